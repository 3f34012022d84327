import { backoff } from '@ballast/resilience';
import { logger } from '@ballast/tracing';
import { type Consumer, type EachBatchPayload, type IHeaders, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { systemClock } from './clock.js';
import { kafkaLogger } from './kafka.logger.js';
import type { Batch, ReceivedRecord, SubscribeOptions, Subscription } from './transport.js';

/** A consumer that died is replaced after 6 s, not after kafkajs' 30. */
const MEMBERSHIP = { sessionTimeout: 6_000, heartbeatInterval: 1_000, rebalanceTimeout: 6_000 };
const PARTITIONS_AT_ONCE = 4;

/** A member of a consumer group that comes back after every fault until it is stopped. */
export class KafkaSubscription implements Subscription {
  private readonly stopping = new AbortController();
  private running?: Promise<void>;
  /** Counts up when the partitions may have gone to someone else: a batch of before is nobody's. */
  private generation = 0;

  constructor(
    private readonly kafka: { brokers: string[]; clientId: string },
    private readonly options: SubscribeOptions,
    private readonly whenConnected: (signal: AbortSignal) => Promise<void>,
  ) {}

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
    try {
      await new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
        this.watch(consumer, reject);
        this.join(consumer).catch(reject);
      });
    } finally {
      await consumer.disconnect().catch(() => undefined);
    }
  }

  private watch(consumer: Consumer, gaveUp: (error: Error) => void): void {
    const { REBALANCING, GROUP_JOIN, STOP, CRASH } = consumer.events;
    for (const event of [REBALANCING, GROUP_JOIN, STOP] as const) consumer.on(event, () => void this.generation++);
    consumer.on(CRASH, ({ payload }) => {
      this.generation++;
      if (!payload.restart) gaveUp(payload.error);
    });
  }

  private async join(consumer: Consumer): Promise<void> {
    await consumer.connect();
    await consumer.subscribe({ topics: this.options.topics, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: (payload) => this.options.onBatch(this.toBatch(payload)),
    });
  }

  private toBatch({ batch, heartbeat, resolveOffset, commitOffsetsIfNecessary, isRunning, isStale }: EachBatchPayload): Batch {
    const { topic, partition } = batch;
    const generation = this.generation;
    const current = () => this.generation === generation && !this.stopping.signal.aborted;
    return {
      topic,
      partition,
      records: batch.messages.map((message) => toRecord(topic, message)),
      lag: Math.max(0, Number(batch.offsetLag())),
      heartbeat,
      get active() {
        return current() && isRunning() && !isStale();
      },
      async commit(nextOffset) {
        resolveOffset(String(BigInt(nextOffset) - 1n));
        await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: nextOffset }] }] });
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
