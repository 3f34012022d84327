import { setTimeout as sleep } from 'node:timers/promises';
import { Database } from '@ballast/database';
import { Sagas, type SagaNews } from '@ballast/saga';
import { logger, withContext } from '@ballast/tracing';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';

/** Milliseconds between two looks. */
const EVERY = 200;

/** How far the sagas of some orders have come. */
export type Progress = SagaNews;
type Listener = (progress: Progress) => void;

interface Watched {
  /** All that is known; undefined until the saga exists. */
  progress?: Progress;
  listeners: Set<Listener>;
}

/**
 * Follows the progress of orders for everyone who listens: one query per look for all of them together, and none while nobody
 * listens. Notifications of the database are not used: they would slow every writer down, and are lost across a failover.
 */
@Injectable()
export class OrderProgress implements BeforeApplicationShutdown {
  private readonly watched = new Map<string, Watched>();
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private failing = false;

  constructor(
    private readonly db: Database,
    private readonly sagas: Sagas,
  ) {}

  /** Tells `listener` the whole progress of an order: at once when it is known, and whenever there is more. Returns how to stop. */
  watch(orderId: string, listener: Listener): () => void {
    const order = this.watched.get(orderId) ?? { listeners: new Set() };
    this.watched.set(orderId, order);
    order.listeners.add(listener);
    if (order.progress) notify(listener, order.progress);
    // The looks belong to no listener's trace.
    this.running ??= withContext({}, () => this.run());
    return () => {
      order.listeners.delete(listener);
      if (order.listeners.size === 0 && this.watched.get(orderId) === order) this.watched.delete(orderId);
    };
  }

  follows(orderId: string): boolean {
    return this.watched.has(orderId);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (this.watched.size > 0 && !signal.aborted) {
      await this.look();
      await sleep(EVERY, undefined, { signal }).catch(() => undefined);
    }
    this.running = undefined;
  }

  private async look(): Promise<void> {
    try {
      const known = new Map([...this.watched].map(([id, { progress }]) => [id, progress?.entries.length ?? 0]));
      const news = await this.sagas.news(this.db.primary, known);
      this.failing = false;
      for (const [id, more] of news) this.tell(id, more);
    } catch (error) {
      // Most likely the database is away: listeners stay, and are told when it is back.
      if (!this.failing) logger().warn({ err: error }, 'the progress of orders could not be looked at');
      this.failing = true;
    }
  }

  private tell(id: string, { entries, ...state }: Progress): void {
    const order = this.watched.get(id);
    if (!order) return;
    const before = order.progress?.entries ?? [];
    // It may be watched anew since the query went out, with less known than was asked for.
    if (entries[0]?.seq !== before.length + 1) return;
    order.progress = { ...state, entries: [...before, ...entries] };
    for (const listener of [...order.listeners]) notify(listener, order.progress);
  }
}

/** What one listener does wrong is not the others' harm: they are told, and the looks go on. */
function notify(listener: Listener, progress: Progress): void {
  try {
    listener(progress);
  } catch (error) {
    logger().error({ err: error }, 'a listener to the progress of an order failed');
  }
}
