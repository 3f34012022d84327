import type { WireRecord } from '@ballast/message';
import { backoff } from '@ballast/resilience';
import { systemClock } from './clock.js';
import { type Connecting, type KafkaClient, type KafkaClientName, loadClient, REQUEST_LIMIT } from './kafka.client.js';
import { refusalAmong } from './kafka.errors.js';
import { forgetPartitions, showPartitions, stateOf } from './kafka.partitions.js';
import { KafkaSubscription } from './kafka.subscription.js';
import { createTopics, type TopicSettings, withDeadLetters } from './kafka.topics.js';
import { linked } from './linked.js';
import { DEFAULT_RETENTION } from './retention.js';
import { untraced } from './spans.js';
import { BrokerUnavailableError, RecordRefusedError, type SubscribeOptions, type Subscription, type Transport } from './transport.js';
import { Trouble } from './trouble.js';
import { within } from './within.js';

export interface KafkaOptions extends Connecting, Partial<TopicSettings> {
  /** Which library speaks to Kafka; default `kafkajs`. Both can be members of one group, and put a key into the same partition. */
  client?: KafkaClientName;
}

/** Shorter than the relay's lease leaves it, so that an owner's send is over before another can own the lane. */
const SEND_LIMIT = 8_000;
/** A topic that was just created may be unknown to some brokers for a moment. */
const TOPIC_LIMIT = 5_000;
const LOOK_AGAIN_AFTER = 250;
const PROBE_EVERY = 2_000;
/** A relay tries again within 10 s; one that has lost its lane meanwhile does not, and what it was told must not count for ever. */
const REFUSAL_COUNTS = 15_000;

/** Kafka, by the client of choice: acknowledged by all in-sync replicas, partitioned as Java clients do. */
export function kafkaTransport(options: KafkaOptions): Transport {
  return new KafkaTransport(options);
}

class KafkaTransport implements Transport {
  connected = false;
  private partitionsTake = true;
  private sendRefusedAt = -Infinity;
  private loading?: Promise<KafkaClient>;
  private readonly closing = new AbortController();
  private readonly waiting = new Set<() => void>();
  private readonly trouble = new Trouble('Kafka cannot be reached');
  private readonly wanted = new Set<string>();
  private readonly known = new Set<string>();
  private readonly subscriptions: KafkaSubscription[] = [];
  private readonly topics: TopicSettings;

  constructor(private readonly options: KafkaOptions) {
    const { replicationFactor = 1, retention = DEFAULT_RETENTION.topic } = options;
    this.topics = { replicationFactor, retention };
  }

  async connect(topics: string[]): Promise<void> {
    for (const topic of topics) this.wanted.add(topic);
    const { signal } = this.closing;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const client = await this.client();
        await createTopics(client, this.wanted, this.topics);
        await client.connect();
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
    const client = await this.client();
    const givenUp = new AbortController();
    const work = this.sendAll(client, records, givenUp.signal);
    try {
      await within(SEND_LIMIT, work, () => new BrokerUnavailableError(`no acknowledgement in ${SEND_LIMIT} ms`));
      this.sendRefusedAt = -Infinity;
      this.up();
    } catch (error) {
      givenUp.abort();
      if (error instanceof RecordRefusedError) throw error;
      const answers = client.answersIn(error);
      const reason = refusalAmong(answers);
      if (reason) throw new RecordRefusedError(reason, { cause: error });
      this.sendRefusedAt = performance.now();
      if (answers.includes('UNKNOWN_TOPIC_OR_PARTITION')) this.known.clear();
      if (answers.length === 0) {
        this.down(error);
        client.dropProducer(work);
      }
      throw error instanceof BrokerUnavailableError ? error : new BrokerUnavailableError((error as Error).message, { cause: error });
    }
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const client = await this.client();
    const subscription = new KafkaSubscription(client.member(options), options.group, (signal) => this.whenConnected(signal));
    this.subscriptions.push(subscription);
    untraced(() => subscription.start());
    return subscription;
  }

  /** By the last look at the partitions, and by the last send: brokers that have lost their majority go on telling of what they had. */
  get writable(): boolean {
    return this.partitionsTake && performance.now() - this.sendRefusedAt > REFUSAL_COUNTS;
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
          ended.signal.removeEventListener('abort', wake);
          resolve();
        };
        this.waiting.add(wake);
        ended.signal.addEventListener('abort', wake);
      });
    }
    ended.dispose();
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.connected = false;
    const closed = Promise.resolve(this.loading).then((client) => client?.close());
    await within(3_000, closed, () => new Error('late')).catch(() => undefined);
  }

  private client(): Promise<KafkaClient> {
    const { client = 'kafkajs', brokers, clientId } = this.options;
    return (this.loading ??= loadClient(client, { brokers, clientId }));
  }

  private async sendAll(client: KafkaClient, records: readonly WireRecord[], givenUp: AbortSignal): Promise<void> {
    await this.ensureTopics(client, new Set(records.map(({ topic }) => topic)));
    givenUp.throwIfAborted();
    await client.send(records, givenUp);
  }

  /** A send to a topic that is not there would keep a client busy until it times out, and the lane with it. */
  private async ensureTopics(client: KafkaClient, topics: ReadonlySet<string>): Promise<void> {
    const complete = () => [...topics].every((topic) => this.known.has(topic));
    if (complete()) return;
    await createTopics(client, this.wanted, this.topics);
    for (const end = performance.now() + TOPIC_LIMIT; ; await systemClock.sleep(LOOK_AGAIN_AFTER, this.closing.signal)) {
      for (const topic of await client.listTopics()) this.known.add(topic);
      if (complete()) return;
      this.closing.signal.throwIfAborted();
      if (performance.now() > end) throw new RecordRefusedError('UNKNOWN_TOPIC_OR_PARTITION');
    }
  }

  /** Sends alone would not tell that an idle broker went away, and sagas stop their clock while it is. */
  private async probe(): Promise<void> {
    const { signal } = this.closing;
    const client = await this.client();
    while (!signal.aborted) {
      await systemClock.sleep(PROBE_EVERY, signal);
      if (signal.aborted) return;
      try {
        const looking = client.probe(withDeadLetters(this.wanted));
        const partitions = await within(REQUEST_LIMIT, looking, () => new Error('no answer from a broker'));
        showPartitions(partitions);
        this.partitionsTake = partitions.every((each) => stateOf(each) !== 'unwritable');
        this.up();
      } catch (error) {
        forgetPartitions();
        this.down(error);
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
