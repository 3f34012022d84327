import { backoff } from '@ballast/resilience';
import { logger } from '@ballast/tracing';
import { StaleBatchError } from './batch-session.js';
import { systemClock } from './clock.js';
import type { MemoryBroker } from './memory.broker.js';
import { type GroupMember, type MemoryGroup, Seat } from './memory.group.js';
import type { Batch, SubscribeOptions, Subscription } from './transport.js';
import { Wakeup } from './wakeup.js';

const PARTITIONS_AT_ONCE = 4;
const BATCH = 500;
/** Everything that can change wakes it; the rest is a safety net. */
const LOOK_AGAIN_AFTER = 1_000;

/** A member of a group in this process. Its handlers run in the context in which it subscribed, whoever sent what they handle. */
export class MemorySubscription implements Subscription, GroupMember {
  private readonly stopping = new AbortController();
  private readonly wakeup = new Wakeup();
  private readonly atWork = new Set<Promise<void>>();
  private readonly group: MemoryGroup;
  private readonly running: Promise<void>;
  private left = false;

  constructor(
    broker: MemoryBroker,
    private readonly options: SubscribeOptions,
  ) {
    this.group = broker.join(options.group, this);
    this.running = this.run();
  }

  get topics(): readonly string[] {
    return this.options.topics;
  }

  get joined(): boolean {
    return !this.stopping.signal.aborted;
  }

  wake(): void {
    this.wakeup.wake();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await Promise.all(this.atWork);
    this.leave(false);
  }

  /** Leaves without waiting for what is at work: the partitions go to the other members at once, as if its process had died. */
  abandon(): void {
    this.stopping.abort();
    this.leave(true);
  }

  private leave(abandoned: boolean): void {
    if (this.left) return;
    this.left = true;
    this.group.leave(this, abandoned);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const found = this.atWork.size < PARTITIONS_AT_ONCE ? this.group.next(this) : undefined;
      if (!(found instanceof Seat)) {
        const rest = found ? found.restsUntil - performance.now() : LOOK_AGAIN_AFTER;
        await this.wakeup.sleep(Math.max(1, rest), systemClock, signal);
        continue;
      }
      const work = this.work(found).finally(() => {
        this.atWork.delete(work);
        this.group.end(found, this);
      });
      this.atWork.add(work);
    }
  }

  /** One batch. After one that failed, or that committed nothing, the partition rests for a moment. */
  private async work(seat: Seat): Promise<void> {
    const { partition, tenure } = seat;
    const before = partition.position(seat.group);
    let failure: unknown;
    try {
      await this.options.onBatch(this.batchOf(seat));
    } catch (error) {
      failure = error;
      logger().debug({ group: seat.group, topic: partition.topic, reason: String(error) }, 'a batch failed; what it left comes again');
    }
    if (seat.tenure !== tenure) return;
    const progress = partition.position(seat.group) > before;
    if (progress) seat.failures = 0;
    if (progress && failure === undefined) return;
    seat.restsUntil = performance.now() + 50 + backoff(++seat.failures, { initial: 100, max: 2_000 });
  }

  private batchOf(seat: Seat): Batch {
    const { partition, group, tenure } = seat;
    const { entries, behind } = partition.read(group, BATCH);
    const owned = () => seat.tenure === tenure && !this.left;
    const { signal } = this.stopping;
    return {
      topic: partition.topic,
      partition: partition.number,
      records: entries.map(({ record, offset }) => ({ ...record, headers: { ...record.headers }, offset: String(offset) })),
      lag: behind,
      get active() {
        return owned() && !signal.aborted;
      },
      async heartbeat() {
        if (!owned()) throw new Error('the partition was given to another member of the group');
      },
      async commit(nextOffset) {
        if (!owned()) throw new StaleBatchError();
        partition.commit(group, Number(nextOffset));
      },
    };
  }
}
