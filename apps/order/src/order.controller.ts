import { Account, Answers, decodeCursor, page, pageQuery, type AccountClaims, type PageQuery } from '@ballast/service';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { errors } from './order.errors.js';
import { mayArriveYet } from './order.id.js';
import { OrderService } from './order.service.js';
import { orderList, orderView, OrderViews, type OrderList, type OrderView } from './order.view.js';

@Controller('orders')
export class OrderController {
  constructor(
    private readonly orders: OrderService,
    private readonly views: OrderViews,
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
}
