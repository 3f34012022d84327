import { CommitUnknownError, Database, isTransient, isUnavailable } from '@ballast/database';
import { logger } from '@ballast/tracing';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SAGA_OPTIONS, type ResolvedSagaOptions } from './options.js';
import { PostgresSagaStore } from './postgres-store.js';
import { SagaRegistry } from './registry.js';
import { SagaRuntime } from './runtime.js';
import type { DueSaga, SagaStore } from './store.js';

/** How many due sagas are picked at a time. Each has a transaction of its own. */
const BATCH = 20;
/** A saga whose timer cannot be handled is looked at again after this long, so that it does not hold up the others. */
const PUT_OFF = 60_000;

/**
 * Fires the timers of sagas, on a clock that counts working time: one row in the database that moves on by at most two seconds a
 * tick, and only while database and broker are there and this process reads what the broker has. What is left of a deadline when an
 * outage begins is left when it ends. Several replicas share the clock and the work.
 *
 * After an outage, and after a start, the clock rests for the `grace` period too: replies that piled up in the broker are read in
 * that time, so a saga does not time out beside its unread reply.
 */
@Injectable()
export class SagaDeadlines implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private running?: Promise<void>;
  /** Timers that are being fired: the clock goes on beside them. */
  private firing?: Promise<void>;
  /** Where the next pass goes on when the last one got nowhere, so that sagas that stand still do not hold up those behind them. */
  private after?: DueSaga;
  private healthySince?: number;

  constructor(
    @Inject(PostgresSagaStore) private readonly store: SagaStore,
    private readonly runtime: SagaRuntime,
    private readonly registry: SagaRegistry,
    private readonly database: Database,
    @Inject(SAGA_OPTIONS) private readonly options: ResolvedSagaOptions,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.firing;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { clock, tick } = this.options;
    while (!signal.aborted) {
      await this.beat().catch((error: unknown) => this.failed(error));
      await clock.sleep(tick, signal);
    }
  }

  private async beat(): Promise<void> {
    const { transport, clock, grace, tick } = this.options;
    const now = clock.now().getTime();
    if (!transport.connected || !transport.consuming || !transport.writable || !this.database.available) {
      this.healthySince = undefined;
      return;
    }
    this.healthySince ??= now;
    if (now - this.healthySince < grace) return;
    await this.store.tick(tick);
    this.firing ??= this.fireDue()
      .catch((error: unknown) => this.failed(error))
      .finally(() => (this.firing = undefined));
  }

  /** Most likely the database went away between the look and the query. Work goes on after another grace period. */
  private failed(error: unknown): void {
    this.healthySince = undefined;
    logger().warn({ err: error }, 'saga deadlines could not be looked at');
  }

  /** Until none is left, or a pass gets nowhere: those sagas are somebody else's for the moment, and can wait for the next tick. */
  private async fireDue(): Promise<void> {
    for (;;) {
      const due = await this.store.due(this.registry.names, BATCH, this.after);
      let advanced = 0;
      for (const { id } of due) {
        if (this.stopping.signal.aborted || this.healthySince === undefined) return;
        if (await this.fire(id)) advanced++;
      }
      this.after = due.length < BATCH ? undefined : due.at(-1);
      if (!this.after || !advanced) return;
    }
  }

  /** Whether the saga is off the list of those that are due. */
  private async fire(id: string): Promise<boolean> {
    try {
      return await this.runtime.fire(id);
    } catch (error) {
      if (isUnavailable(error) || error instanceof CommitUnknownError) throw error;
      if (isTransient(error)) return false; // somebody else was in the way: it is tried again
      logger().error({ err: error, sagaId: id }, 'the timer of a saga could not be handled; it is put off by a minute');
      await this.store.postpone(id, PUT_OFF);
      return true;
    }
  }
}
