import { setTimeout as sleep } from 'node:timers/promises';
import { EventStreams, type AccountClaims, type EventStream } from '@ballast/service';
import { Injectable } from '@nestjs/common';
import { errors } from './order.errors.js';
import type { Order, OrderStatus } from './order.entity.js';
import { mayArriveYet } from './order.id.js';
import { OrderProgress, type Progress } from './order.progress.js';
import { OrderService } from './order.service.js';
import { historyLine, OrderViews } from './order.view.js';

/** How long a stream waits for an order that may be on its way. */
const PATIENCE = 20_000;

/** Orders' histories as server-sent events. */
@Injectable()
export class OrderStreams {
  constructor(
    private readonly orders: OrderService,
    private readonly views: OrderViews,
    private readonly progress: OrderProgress,
    private readonly streams: EventStreams,
  ) {}

  /**
   * Streams the history that follows entry number `after`, then the final status, and ends. `gone`: the client has left.
   * Rejects with 404 when there is no such order of this account: at once, or after 20 s while it may be on its way; with 503 when
   * the service stops.
   */
  async open(account: AccountClaims, id: string, after: number, gone: AbortSignal): Promise<EventStream> {
    const order = (await this.orders.find(id, account.accountId)) ?? (await this.arrival(id, account.accountId, gone));
    this.streams.closing.throwIfAborted();
    if (!order) throw errors.NOT_FOUND(id);
    if (order.status === 'PENDING') return this.follow(this.streams.open(account), id, after);
    const missed = await this.views.historyAfter(id, after);
    return ended(this.streams.open(account), order, missed);
  }

  private follow(stream: EventStream, id: string, after: number): EventStream {
    const client = new Client(stream, after);
    const stop = this.progress.watch(id, (progress) => client.tell(progress));
    // `end` comes first for a client that has read all, `close` alone for one that left.
    stream.once('end', stop).once('close', stop);
    return stream;
  }

  /** The order with this id, once it is here. Someone else's is waited for as long as one that never comes, so that they look the same. */
  private async arrival(id: string, accountId: string, gone: AbortSignal): Promise<Order | null> {
    if (!mayArriveYet(id, Date.now())) return null;
    const waiting = new AbortController();
    const giveUp = () => waiting.abort();
    const reasons = [gone, this.streams.closing];
    for (const signal of reasons) signal.addEventListener('abort', giveUp);
    let stop = (): void => undefined;
    try {
      const patience = sleep(PATIENCE, undefined, { signal: waiting.signal }).catch(() => undefined);
      const here = new Promise<void>((resolve) => (stop = this.progress.watch(id, () => resolve())));
      await Promise.race([here, patience]);
      const order = waiting.signal.aborted ? null : await this.orders.find(id, accountId);
      if (!order) await patience;
      return order;
    } finally {
      stop();
      waiting.abort();
      for (const signal of reasons) signal.removeEventListener('abort', giveUp);
    }
  }
}

/** What one client has been told of an order that is under way. */
class Client {
  private stuck = false;

  constructor(
    private readonly stream: EventStream,
    /** The number of the last entry it knows. */
    private last: number,
  ) {}

  tell({ entries, status, failure }: Progress): void {
    for (const entry of entries) if (entry.seq > this.last) sendEntry(this.stream, entry);
    this.last = Math.max(this.last, entries.length);
    if (status === 'COMPLETED') return end(this.stream, 'CONFIRMED');
    if (status === 'COMPENSATED' || status === 'ABANDONED') return end(this.stream, 'REJECTED', failure?.code);
    const stuck = status === 'STUCK';
    if (stuck && !this.stuck) this.stream.send({ event: 'status', data: { status: 'PENDING', reason: 'STUCK' } });
    this.stuck = stuck;
  }
}

function ended(stream: EventStream, { status, reason }: Order, missed: Progress['entries']): EventStream {
  for (const entry of missed) sendEntry(stream, entry);
  end(stream, status, reason ?? undefined);
  return stream;
}

const sendEntry = (stream: EventStream, entry: Progress['entries'][number]): void =>
  stream.send({ id: entry.seq, event: 'history', data: historyLine(entry) });

function end(stream: EventStream, status: OrderStatus, reason?: string): void {
  stream.send({ event: 'status', data: { status, reason } });
  stream.finish();
}
