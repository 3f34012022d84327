import type { WireRecord } from '@ballast/message';
import { backoff } from '@ballast/resilience';
import { type Admin, Kafka, logLevel, type Message, Partitioners, type Producer, type TopicMessages } from 'kafkajs';
import { systemClock } from './clock.js';
import { protocolError, refusal } from './kafka.errors.js';
import { linked } from './linked.js';
import { kafkaLogger } from './kafka.logger.js';
import { KafkaSubscription } from './kafka.subscription.js';
import { createTopics, type TopicSettings } from './kafka.topics.js';
import { DEFAULT_RETENTION } from './retention.js';
import { untraced } from './spans.js';
import { BrokerUnavailableError, RecordRefusedError, type SubscribeOptions, type Subscription, type Transport } from './transport.js';
import { Trouble } from './trouble.js';
import { within } from './within.js';

export interface KafkaOptions extends Partial<TopicSettings> {
  /** `host:port` each; any one that answers is enough. */
  brokers: string[];
  clientId: string;
}

/** Shorter than the relay's lease leaves it, so that an owner's send is over before another can own the lane. */
const SEND_LIMIT = 8_000;
/** A topic that was just created may be unknown to some brokers for a moment. */
const TOPIC_LIMIT = 5_000;
const LOOK_AGAIN_AFTER = 250;
const PROBE_EVERY = 2_000;
const PROBE_LIMIT = 6_000;

/**
 * Kafka by kafkajs: acknowledged by all in-sync replicas, partitioned as Java clients do. The producer is not idempotent: its sequence
 * numbers break for good when two sends overlap (tulios/kafkajs#598); the relay sends one batch at a time, and inboxes tell duplicates.
 */
export function kafkaTransport(options: KafkaOptions): Transport {
  return new KafkaTransport(options);
}

class KafkaTransport implements Transport {
  connected = false;
  private readonly kafka: Kafka;
  private readonly admin: Admin;
  private producer?: Promise<Producer>;
  private readonly closing = new AbortController();
  private readonly waiting = new Set<() => void>();
  private readonly trouble = new Trouble('Kafka cannot be reached');
  private readonly wanted = new Set<string>();
  private readonly known = new Set<string>();
  private readonly subscriptions: KafkaSubscription[] = [];
  private readonly topics: TopicSettings;

  constructor(private readonly options: KafkaOptions) {
    const { brokers, clientId, replicationFactor = 1, retention = DEFAULT_RETENTION.topic } = options;
    this.topics = { replicationFactor, retention };
    this.kafka = new Kafka({
      brokers,
      clientId,
      logLevel: logLevel.INFO,
      logCreator: kafkaLogger,
      connectionTimeout: 5_000,
      requestTimeout: 6_000,
      retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 500 },
    });
    this.admin = this.kafka.admin();
  }

  async connect(topics: string[]): Promise<void> {
    for (const topic of topics) this.wanted.add(topic);
    const { signal } = this.closing;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await this.admin.connect();
        await createTopics(this.admin, this.wanted, this.topics);
        await this.connectedProducer();
        this.up();
        void untraced(() => this.probe());
        return;
      } catch (error) {
        this.down(error);
        await systemClock.sleep(100 + backoff(attempt, { initial: 200, max: 2_000 }), signal);
      }
    }
  }

  async send(records: WireRecord[]): Promise<void> {
    const givenUp = new AbortController();
    const work = this.sendAll(records, givenUp.signal);
    try {
      await within(SEND_LIMIT, work, () => new BrokerUnavailableError(`no acknowledgement in ${SEND_LIMIT} ms`));
      this.up();
    } catch (error) {
      givenUp.abort();
      if (error instanceof RecordRefusedError) throw error;
      const reason = refusal(error);
      if (reason) throw new RecordRefusedError(reason, { cause: error });
      const answered = protocolError(error);
      if (answered === 'UNKNOWN_TOPIC_OR_PARTITION') this.known.clear();
      if (!answered) {
        this.down(error);
        this.dropProducer(work);
      }
      throw error instanceof BrokerUnavailableError ? error : new BrokerUnavailableError((error as Error).message, { cause: error });
    }
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const subscription = new KafkaSubscription(this.options, options, (signal) => this.whenConnected(signal));
    this.subscriptions.push(subscription);
    untraced(() => subscription.start());
    return subscription;
  }

  get consuming(): boolean {
    return this.subscriptions.every((subscription) => subscription.joined);
  }

  async whenConnected(signal?: AbortSignal): Promise<void> {
    if (this.connected) return;
    const ended = linked(this.closing.signal, signal);
    while (!this.connected && !ended.signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.waiting.delete(wake);
          resolve();
        };
        this.waiting.add(wake);
        ended.signal.addEventListener('abort', wake, { once: true });
      });
    }
    ended.dispose();
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.connected = false;
    const producer = this.producer;
    const closed = Promise.allSettled([producer?.then((p) => p.disconnect()), this.admin.disconnect()]);
    await within(3_000, closed, () => new Error('late')).catch(() => undefined);
  }

  private async sendAll(records: readonly WireRecord[], givenUp: AbortSignal): Promise<void> {
    await this.ensureTopics(new Set(records.map(({ topic }) => topic)));
    const producer = await this.connectedProducer();
    // By now another owner of the lane may be sending.
    givenUp.throwIfAborted();
    await producer.sendBatch({ acks: -1, timeout: 6_000, topicMessages: byTopic(records) });
  }

  /** A send to a topic that is not there would keep kafkajs busy until it times out, and the lane with it. */
  private async ensureTopics(topics: ReadonlySet<string>): Promise<void> {
    const complete = () => [...topics].every((topic) => this.known.has(topic));
    if (complete()) return;
    await createTopics(this.admin, this.wanted, this.topics);
    for (const end = performance.now() + TOPIC_LIMIT; ; await systemClock.sleep(LOOK_AGAIN_AFTER, this.closing.signal)) {
      for (const topic of await this.admin.listTopics()) this.known.add(topic);
      if (complete()) return;
      this.closing.signal.throwIfAborted();
      if (performance.now() > end) throw new RecordRefusedError('UNKNOWN_TOPIC_OR_PARTITION');
    }
  }

  private connectedProducer(): Promise<Producer> {
    if (this.producer) return this.producer;
    const connecting = (async () => {
      const producer = this.kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
      await producer.connect();
      return producer;
    })();
    connecting.catch(() => {
      if (this.producer === connecting) delete this.producer;
    });
    return (this.producer = connecting);
  }

  /**
   * A send that was given up may still be on its way inside the old producer: the next one starts with a new one. The old one connects
   * again to try again, so it is closed once more when its last send has come to an end.
   */
  private dropProducer(lastSend: Promise<void>): void {
    const old = this.producer;
    delete this.producer;
    const close = () => old?.then((producer) => producer.disconnect()).catch(() => undefined);
    void close();
    void lastSend.then(close, close);
  }

  /** Sends alone would not tell that an idle broker went away, and sagas stop their clock while it is. */
  private async probe(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      await systemClock.sleep(PROBE_EVERY, signal);
      if (signal.aborted) return;
      try {
        await within(PROBE_LIMIT, this.admin.describeCluster(), () => new Error('no answer from a broker'));
        this.up();
      } catch (error) {
        this.down(error);
        await this.admin.connect().catch(() => undefined);
      }
    }
  }

  private up(): void {
    if (this.closing.signal.aborted) return;
    this.connected = true;
    this.trouble.over();
    for (const wake of [...this.waiting]) wake();
  }

  private down(error: unknown): void {
    if (this.closing.signal.aborted) return;
    this.connected = false;
    this.trouble.found(error, { brokers: this.options.brokers.join() });
  }
}

function byTopic(records: readonly WireRecord[]): TopicMessages[] {
  const topics = new Map<string, Message[]>();
  for (const { topic, key, value, headers } of records) {
    const messages = topics.get(topic) ?? [];
    topics.set(topic, messages);
    messages.push({ key, value, headers });
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }));
}
