import {
  Account,
  Answers,
  decodeCursor,
  page,
  pageQuery,
  Streams,
  type AccountClaims,
  type Answer,
  type PageQuery,
} from '@ballast/service';
import { Controller, Get, Headers, Param, Query, Req, type StreamableFile } from '@nestjs/common';
import { z } from 'zod';
import { errors } from './order.errors.js';
import { mayArriveYet } from './order.id.js';
import { OrderService } from './order.service.js';
import { OrderStreams } from './order.stream.js';
import { orderList, orderView, OrderViews, type OrderList, type OrderView } from './order.view.js';

@Controller('orders')
export class OrderController {
  constructor(
    private readonly orders: OrderService,
    private readonly views: OrderViews,
    private readonly streams: OrderStreams,
  ) {}

  @Get()
  @Answers(200, orderList)
  async list(@Account() account: AccountClaims, @Query({ schema: pageQuery }) query: PageQuery): Promise<OrderList> {
    const after = decodeCursor(query.cursor, z.uuid());
    const rows = await this.orders.list(account.accountId, query.limit + 1, after);
    const { items, nextCursor } = page(rows, query.limit, (order) => order.id);
    return { items: await this.views.of(items), nextCursor };
  }

  /** An order that is not here yet, or not yours, looks the same: 404, and while the id is young `Retry-After: 1`. */
  @Get(':id')
  @Answers(200, orderView, [errors.NOT_FOUND])
  async get(@Account() account: AccountClaims, @Param('id', { schema: z.uuid() }) id: string): Promise<OrderView> {
    const order = await this.orders.find(id, account.accountId);
    if (!order) throw mayArriveYet(id, Date.now()) ? errors.NOT_FOUND(id).retryAfter(1) : errors.NOT_FOUND(id);
    const [view] = await this.views.of([order]);
    return view!;
  }

  /** `Last-Event-ID` is the number of the last history entry the client has; of anything else it gets the whole history. */
  @Get(':id/stream')
  @Streams()
  @Answers(200, undefined, [errors.NOT_FOUND])
  async stream(
    @Account() account: AccountClaims,
    @Param('id', { schema: z.uuid().toLowerCase() }) id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() { signal }: { signal: AbortSignal },
  ): Promise<Answer<StreamableFile>> {
    const after = /^\d{1,9}$/.test(lastEventId ?? '') ? Number(lastEventId) : 0;
    return (await this.streams.open(account, id, after, signal)).answer();
  }
}
