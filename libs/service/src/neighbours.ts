import { randomUUID } from 'node:crypto';
import {
  type AnyCommand,
  type AnyEvent,
  type CommandDraft,
  decode,
  encode,
  type Envelope,
  type EventDraft,
  type MessageOf,
  type Reply,
  replyType,
  type WireRecord,
} from '@ballast/message';
import {
  type Batch,
  BrokerUnavailableError,
  kafkaTransport,
  type SubscribeOptions,
  type Subscription,
  type Transport,
} from '@ballast/messaging';

const SEND_ATTEMPTS = 5;

/**
 * The other services, as one under test meets them: what they hear from Kafka, and what they say there. Topics and groups carry a
 * prefix of their own on the broker, so that test files may run side by side.
 */
export class Neighbours {
  /** Every message on the topics it listens to, in order per key. */
  readonly heard: Envelope[] = [];
  private readonly topics = new Set<string>();
  private subscription?: Subscription;

  private constructor(
    private readonly brokers: readonly string[],
    private readonly prefix: string,
    private readonly kafka: Transport,
  ) {}

  static async listenTo(brokers: readonly string[], topics: string[]): Promise<Neighbours> {
    const prefix = `${randomUUID()}.`;
    const neighbours = new Neighbours(brokers, prefix, prefixed(brokers, prefix));
    await neighbours.kafka.connect(topics);
    neighbours.subscription = await neighbours.kafka.subscribe({
      group: 'neighbours',
      topics,
      onBatch: async (batch) => {
        neighbours.heard.push(...batch.records.map((record) => decode(record)));
        await batch.commit(String(BigInt(batch.records.at(-1)!.offset) + 1n));
      },
    });
    return neighbours;
  }

  /** For the service under test: give it as its `transport`. */
  transport(): Transport {
    return prefixed(this.brokers, this.prefix);
  }

  eventsOf<D extends AnyEvent>(definition: D): MessageOf<D>[] {
    return this.heard.filter((message) => message.type === definition.type) as MessageOf<D>[];
  }

  repliesTo(definition: AnyCommand, sagaId: string): Reply[] {
    return this.heard.filter((m) => m.type === replyType(definition) && m.sagaId === sagaId).map((m) => m.payload as Reply);
  }

  /** Publishes events in this order, the whole list `times` times with the same ids. */
  async publish(drafts: readonly EventDraft[], times = 1): Promise<void> {
    await this.send(
      drafts.map(({ definition, key, payload }) => record(definition, { key, payload })),
      times,
    );
  }

  /** Sends commands as a saga does; the whole list `times` times with the same ids. */
  async command(sagaId: string, replyTo: string, drafts: readonly CommandDraft[], times = 1): Promise<void> {
    const commands = drafts.map((draft) => ({ sagaId, draft }));
    await this.commands(replyTo, commands, times);
  }

  /** Sends commands of many sagas at once. */
  async commands(replyTo: string, commands: readonly { sagaId: string; draft: CommandDraft }[], times = 1): Promise<void> {
    const records = commands.map(({ sagaId, draft }) => record(draft.definition, { key: sagaId, payload: draft.payload, sagaId, replyTo }));
    await this.send(records, times);
  }

  async close(): Promise<void> {
    await this.subscription?.stop();
    await this.kafka.close();
  }

  private async send(records: WireRecord[], times: number): Promise<void> {
    const fresh = [...new Set(records.map((r) => r.topic))].filter((topic) => !this.topics.has(topic));
    for (const topic of fresh) this.topics.add(topic);
    if (fresh.length > 0) await this.kafka.connect(fresh);
    for (let i = 0; i < times; i += 1) await this.deliver(records);
  }

  /** At least once, as a relay does it: a broker that is slow to answer is asked again. */
  private async deliver(records: WireRecord[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.kafka.send(records);
      } catch (error) {
        if (!(error instanceof BrokerUnavailableError) || attempt === SEND_ATTEMPTS) throw error;
      }
    }
  }
}

const record = ({ topic, type }: AnyEvent | AnyCommand, part: Pick<Envelope, 'key' | 'payload' | 'sagaId' | 'replyTo'>): WireRecord =>
  encode(topic, { id: randomUUID(), source: '/ballast/test', type, time: new Date(), trace: {}, ...part });

function prefixed(brokers: readonly string[], prefix: string): Transport {
  const kafka = kafkaTransport({ brokers: [...brokers], clientId: prefix });
  const long = (topic: string) => prefix + topic;
  const short = (topic: string) => topic.slice(prefix.length);
  return {
    connect: (topics) => kafka.connect(topics.map(long)),
    send: (records) => kafka.send(records.map((r) => ({ ...r, topic: long(r.topic) }))),
    subscribe: (o: SubscribeOptions): Promise<Subscription> =>
      kafka.subscribe({ group: long(o.group), topics: o.topics.map(long), onBatch: (batch) => o.onBatch(shortened(batch, short)) }),
    get connected() {
      return kafka.connected;
    },
    get consuming() {
      return kafka.consuming;
    },
    get writable() {
      return kafka.writable;
    },
    whenConnected: (signal) => kafka.whenConnected(signal),
    close: () => kafka.close(),
  };
}

const shortened = (batch: Batch, short: (topic: string) => string): Batch => ({
  topic: short(batch.topic),
  partition: batch.partition,
  records: batch.records.map((r) => ({ ...r, topic: short(r.topic) })),
  lag: batch.lag,
  get active() {
    return batch.active;
  },
  heartbeat: () => batch.heartbeat(),
  commit: (nextOffset) => batch.commit(nextOffset),
});
