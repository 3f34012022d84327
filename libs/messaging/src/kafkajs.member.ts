import { type Consumer, type EachBatchPayload, type IHeaders, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { StaleBatchError } from './batch-session.js';
import {
  CONNECT_LIMIT,
  type Connecting,
  FETCH_WAIT,
  fromAnyOf,
  type GroupMember,
  MEMBERSHIP,
  PARTITIONS_AT_ONCE,
  REQUEST_LIMIT,
} from './kafka.client.js';
import { kafkaLogger } from './kafkajs.logger.js';
import { Membership } from './kafkajs.membership.js';
import { type Offset, OffsetCommits } from './kafkajs.offsets.js';
import './kafkajs.patience.js';
import { socketFactory } from './kafkajs.socket.js';
import type { Batch, ReceivedRecord, SubscribeOptions } from './transport.js';
import { within } from './within.js';

/** How long it says goodbye to its group. */
const LEAVE_LIMIT = 3_000;
/**
 * A consumer whose broker is gone ends soon and is made anew, with what is known of the cluster then. By itself kafkajs would try for 9 s, and
 * then wait as long again as it waited last before it starts over; with more retries, one that lost its coordinator crawls for good.
 */
const RETRY = { retries: 2, initialRetryTime: 300, restartOnFailure: async () => false };

export class KafkaJsMember implements GroupMember {
  /** After a session's time without a word the coordinator has given a member up, too. */
  private readonly membership = new Membership(MEMBERSHIP.sessionTimeout);
  private readonly atWork = new Set<Promise<void>>();
  private readonly offsets = new OffsetCommits((offsets) => this.commit(offsets));
  /** kafkajs commits by what it gives to a batch; any batch of the same consumer will do. */
  private commitAs?: EachBatchPayload['commitOffsetsIfNecessary'];
  private signal?: AbortSignal;

  constructor(
    private readonly connecting: Connecting,
    private readonly options: SubscribeOptions,
  ) {}

  get joined(): boolean {
    return this.membership.joined;
  }

  /** Consumes until the signal, or until kafkajs gives up. */
  async consume(signal: AbortSignal, onJoined: () => void): Promise<void> {
    this.signal = signal;
    const limits = { connectionTimeout: CONNECT_LIMIT, requestTimeout: REQUEST_LIMIT };
    const kafka = new Kafka({ ...fromAnyOf(this.connecting), ...limits, logLevel: logLevel.INFO, logCreator: kafkaLogger, socketFactory });
    const options = {
      groupId: this.options.group,
      ...MEMBERSHIP,
      maxWaitTimeInMs: FETCH_WAIT,
      allowAutoTopicCreation: false,
      retry: RETRY,
    };
    const consumer = kafka.consumer(options);
    this.membership.watch(consumer);
    consumer.on(consumer.events.GROUP_JOIN, onJoined);
    let stop!: () => void;
    const joining = this.join(consumer, signal);
    try {
      await new Promise<void>((resolve, reject) => {
        stop = resolve;
        signal.addEventListener('abort', stop);
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
        joining.catch(reject);
      });
    } finally {
      signal.removeEventListener('abort', stop);
      // Not before it has joined: kafkajs would take the end of one on its way into the group for done, and it would be a member, with heartbeats,
      // for as long as the process lives. A rebalance that another member holds up takes its time; whoever stops does not wait for all of it.
      const flushed = within(LEAVE_LIMIT, this.offsets.flush(), () => new Error('late'));
      const disconnected = Promise.allSettled([joining, flushed]).then(() => consumer.disconnect());
      // Then for the batches at work, and for the coordinator, which may not answer.
      await within(LEAVE_LIMIT, disconnected, () => new Error('late')).catch(() => undefined);
      while (this.atWork.size) await Promise.allSettled(this.atWork);
      await within(LEAVE_LIMIT, disconnected, () => new Error('late')).catch(() => undefined);
      this.membership.left();
    }
  }

  private async join(consumer: Consumer, signal: AbortSignal): Promise<void> {
    await consumer.connect();
    await consumer.subscribe({ topics: this.options.topics, fromBeginning: true });
    if (signal.aborted) return;
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: async (payload) => {
        const work = this.handle(payload).finally(() => this.atWork.delete(work));
        this.atWork.add(work);
        await work;
      },
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
    if (asked.status === 'fulfilled') return;
    await this.offsets.flush().catch(() => undefined);
    throw asked.reason;
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
    const active = () => tenure.active && !refused && !this.signal?.aborted && isRunning() && !isStale();
    return {
      topic,
      partition,
      records: batch.messages.map((message) => toRecord(topic, message)),
      lag: Math.max(0, Number(batch.offsetLag())),
      heartbeat: () => noting(heartbeat()),
      get active() {
        return active();
      },
      commit: async (nextOffset) => {
        if (!tenure.owned) throw new StaleBatchError();
        resolveOffset(String(BigInt(nextOffset) - 1n));
        this.commitAs = commitOffsetsIfNecessary;
        this.offsets.note({ topic, partition, offset: nextOffset, owned: () => tenure.owned });
        // Somebody else is about to read on from here.
        if (!active()) await noting(this.offsets.flush());
      },
    };
  }

  private async commit(offsets: readonly Offset[]): Promise<void> {
    const topics = new Map<string, { partition: number; offset: string }[]>();
    for (const { topic, partition, offset } of offsets) topics.set(topic, [...(topics.get(topic) ?? []), { partition, offset }]);
    try {
      await this.commitAs!({ topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })) });
    } catch (error) {
      this.membership.failed(error);
      throw error;
    }
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
function toStrings(headers: IHeaders): Record<string, string> {
  const strings: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) strings[name] = last.toString();
  }
  return strings;
}
