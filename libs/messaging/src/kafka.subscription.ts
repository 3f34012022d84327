import { backoff } from '@ballast/resilience';
import { logger } from '@ballast/tracing';
import { type Consumer, type EachBatchPayload, type IHeaders, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { StaleBatchError } from './batch-session.js';
import { systemClock } from './clock.js';
import { kafkaLogger } from './kafka.logger.js';
import { Membership } from './kafka.membership.js';
import type { Batch, ReceivedRecord, SubscribeOptions, Subscription } from './transport.js';

/** A consumer that died is replaced after 6 s, not after kafkajs' 30. */
const MEMBERSHIP = { sessionTimeout: 6_000, heartbeatInterval: 1_000, rebalanceTimeout: 6_000 };
const PARTITIONS_AT_ONCE = 4;

/** A member of a consumer group that comes back after every fault until it is stopped. */
export class KafkaSubscription implements Subscription {
  private readonly stopping = new AbortController();
  /** After a session's time without a word the coordinator has given a member up, too. */
  private readonly membership = new Membership(MEMBERSHIP.sessionTimeout);
  private running?: Promise<void>;

  constructor(
    private readonly kafka: { brokers: string[]; clientId: string },
    private readonly options: SubscribeOptions,
    private readonly whenConnected: (signal: AbortSignal) => Promise<void>,
  ) {}

  /** Whether it is a member of its group now, so that what comes is read. */
  get joined(): boolean {
    return this.membership.joined;
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let attempt = 1; !signal.aborted; attempt++) {
      await this.whenConnected(signal);
      if (signal.aborted) return;
      try {
        await this.consume(signal);
      } catch (error) {
        logger().warn({ group: this.options.group, reason: (error as Error).message }, 'the consumer crashed; it joins again');
      }
      await systemClock.sleep(100 + backoff(attempt, { initial: 200, max: 2_000 }), signal);
    }
  }

  /** Consumes until the signal, or until kafkajs gives up. Retries keep kafkajs' defaults: with many, a consumer that lost its coordinator crawls for good. */
  private async consume(signal: AbortSignal): Promise<void> {
    const { brokers, clientId } = this.kafka;
    const kafka = new Kafka({ brokers, clientId, connectionTimeout: 5_000, logLevel: logLevel.INFO, logCreator: kafkaLogger });
    const consumer = kafka.consumer({ groupId: this.options.group, ...MEMBERSHIP, maxWaitTimeInMs: 500, allowAutoTopicCreation: false });
    this.membership.watch(consumer);
    let stop!: () => void;
    try {
      await new Promise<void>((resolve, reject) => {
        stop = resolve;
        signal.addEventListener('abort', stop);
        consumer.on(consumer.events.CRASH, ({ payload }) => {
          if (!payload.restart) reject(payload.error);
        });
        this.join(consumer).catch(reject);
      });
    } finally {
      signal.removeEventListener('abort', stop);
      await consumer.disconnect().catch(() => undefined);
      this.membership.left();
    }
  }

  private async join(consumer: Consumer): Promise<void> {
    await consumer.connect();
    await consumer.subscribe({ topics: this.options.topics, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: (payload) => this.handle(payload),
    });
  }

  /**
   * A rebalance may have begun while the batch waited in kafkajs' queue, behind others that took their time; the coordinator waits for
   * this member only as long as the rebalance time-out. So each batch asks first. One that is not ours any more is handed over all the
   * same, inactive: who reads it lets go of what it knows of the partition.
   */
  private async handle(payload: EachBatchPayload): Promise<void> {
    const batch = this.toBatch(payload);
    const [asked] = await Promise.allSettled([batch.heartbeat()]);
    await this.options.onBatch(batch);
    if (asked.status === 'rejected') throw asked.reason;
  }

  private toBatch({ batch, heartbeat, resolveOffset, commitOffsetsIfNecessary, isRunning, isStale }: EachBatchPayload): Batch {
    const { topic, partition } = batch;
    const tenure = this.membership.tenure(topic, partition);
    let refused = false;
    const noting = (request: Promise<void>) =>
      request.catch((error: unknown) => {
        refused = true;
        this.membership.failed(error);
        throw error;
      });
    const active = () => tenure.active && !refused && !this.stopping.signal.aborted && isRunning() && !isStale();
    return {
      topic,
      partition,
      records: batch.messages.map((message) => toRecord(topic, message)),
      lag: Math.max(0, Number(batch.offsetLag())),
      heartbeat: () => noting(heartbeat()),
      get active() {
        return active();
      },
      async commit(nextOffset) {
        if (!tenure.owned) throw new StaleBatchError();
        resolveOffset(String(BigInt(nextOffset) - 1n));
        await noting(commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: nextOffset }] }] }));
      },
    };
  }
}

const toRecord = (topic: string, { key, value, headers, offset }: KafkaMessage): ReceivedRecord => ({
  topic,
  key: key?.toString() ?? '',
  value: value?.toString() ?? '',
  headers: toStrings(headers ?? {}),
  offset,
});

/** Of a header that was given more than once, the last. */
const toStrings = (headers: IHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      const last = Array.isArray(value) ? value.at(-1) : value;
      return last === undefined ? [] : [[name, last.toString()]];
    }),
  );
