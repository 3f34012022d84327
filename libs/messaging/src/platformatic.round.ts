import type { ConnectionPool, Consumer } from '@platformatic/kafka';
import { StaleBatchError } from './batch-session.js';
import { systemClock } from './clock.js';
import { MEMBERSHIP, PARTITIONS_AT_ONCE } from './kafka.client.js';
import { linked } from './linked.js';
import { PlatformaticFetcher } from './platformatic.fetcher.js';
import type { PlatformaticGroup } from './platformatic.group.js';
import { answersIn } from './platformatic.errors.js';
import type { Fetched } from './platformatic.records.js';
import type { Slot } from './platformatic.slot.js';
import type { Batch, SubscribeOptions } from './transport.js';
import { Trouble } from './trouble.js';

/** A batch whose handler asks for its membership no more is stuck: the others must not keep up the membership for it. */
const STUCK_AFTER = MEMBERSHIP.sessionTimeout / 2;

export interface RoundSettings {
  consumer: Consumer;
  group: PlatformaticGroup;
  newConnections(): ConnectionPool;
  slots: readonly Slot[];
  onBatch: SubscribeOptions['onBatch'];
  /** The coordinator has taken this consumer for a member just now. */
  heard(): void;
}

/**
 * One generation of the group: from a join until a rebalance, a fault or a stop. It ends when no batch is at work any more, so that a
 * partition is not given away under a handler's hands (as long as that lets go within the rebalance time-out).
 */
export class PlatformaticRound {
  private readonly over = new AbortController();
  private fault?: Error;
  /** Somebody else may own the partitions: nothing is committed any more. */
  private lost = false;
  private readonly asked = new Map<Batch, number>();
  private readonly working = new Set<Promise<void>>();
  private readonly fetcher: PlatformaticFetcher;
  private readonly trouble = new Trouble('a batch was not worked on to its end');
  private beatAt = performance.now();
  private beating?: Promise<void>;

  constructor(private readonly s: RoundSettings) {
    this.fetcher = new PlatformaticFetcher(s.consumer, s.newConnections, s.slots, () => this.dispatch());
  }

  /** Resolves when the group is to be joined anew or the signal aborts; rejects after a fault. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = linked(signal, this.over.signal);
    const stop = () => this.over.abort();
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted) stop();
      const fetching = this.fetcher.run(ended.signal).catch((error: unknown) => this.end(error as Error));
      await Promise.all([fetching, this.beat(ended.signal)]);
      while (this.working.size) await Promise.all(this.working);
      if (this.fault) throw this.fault;
    } finally {
      signal.removeEventListener('abort', stop);
      ended.dispose();
      this.lost = true;
    }
  }

  private async beat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await systemClock.sleep(MEMBERSHIP.heartbeatInterval, signal);
      const stuck = [...this.asked.values()].some((at) => performance.now() - at > STUCK_AFTER);
      if (!signal.aborted && !stuck) await this.heartbeat().catch(() => undefined);
    }
  }

  private async heartbeat(): Promise<void> {
    if (this.over.signal.aborted) throw this.fault ?? new StaleBatchError();
    if (performance.now() - this.beatAt < MEMBERSHIP.heartbeatInterval / 2) return;
    this.beating ??= this.s.group
      .heartbeat()
      .then(
        () => {
          this.beatAt = performance.now();
          this.s.heard();
        },
        (error: unknown) => {
          this.end(error as Error);
          throw error;
        },
      )
      .finally(() => delete this.beating);
    await this.beating;
  }

  /** What a rebalance asks for is done by joining again; all else is a fault, and the partitions may be gone. */
  private end(error: Error): void {
    const rebalance = answersIn(error).includes('REBALANCE_IN_PROGRESS');
    if (!rebalance) {
      this.fault ??= error;
      this.lost = true;
    }
    this.over.abort();
  }

  private dispatch(): void {
    for (const slot of this.s.slots) {
      if (this.over.signal.aborted || this.working.size >= PARTITIONS_AT_ONCE) return;
      if (!slot.ready) continue;
      const work = this.work(slot, slot.take()).finally(() => {
        this.working.delete(work);
        this.fetcher.wake();
        this.dispatch();
      });
      this.working.add(work);
      this.fetcher.wake();
    }
  }

  private async work(slot: Slot, fetched: Fetched): Promise<void> {
    let committed: bigint | undefined;
    const batch = this.toBatch(slot, fetched, (offset) => (committed = offset));
    this.asked.set(batch, performance.now());
    try {
      // One that is not ours any more is handed over all the same, inactive: who reads it lets go of what it knows of the partition.
      await batch.heartbeat().catch(() => undefined);
      await this.s.onBatch(batch);
      this.trouble.over();
    } catch (error) {
      if (!this.over.signal.aborted) this.trouble.found(error, { topic: slot.topic, partition: slot.partition });
    } finally {
      this.asked.delete(batch);
      slot.release(fetched, committed);
    }
  }

  private toBatch({ topic, partition }: Slot, { records, lag }: Fetched, onCommit: (offset: bigint) => void): Batch {
    const ended = () => this.over.signal.aborted;
    const isLost = () => this.lost;
    const batch: Batch = {
      topic,
      partition,
      records,
      lag,
      get active() {
        return !ended();
      },
      heartbeat: () => {
        this.asked.set(batch, performance.now());
        return this.heartbeat();
      },
      commit: async (nextOffset) => {
        if (isLost()) throw new StaleBatchError();
        await this.s.group.commit(topic, partition, BigInt(nextOffset)).catch((error: unknown) => {
          this.end(error as Error);
          throw error;
        });
        onCommit(BigInt(nextOffset));
      },
    };
    return batch;
  }
}
