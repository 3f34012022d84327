import type { WireRecord } from '@ballast/message';
import { Admin, compatibilityPartitioner, Producer, stringSerializers } from '@platformatic/kafka';
import type { Connecting, GroupMember, KafkaClient } from './kafka.client.js';
import { ALL_REPLICAS, REQUEST_LIMIT } from './kafka.client.js';
import type { TopicPartition } from './kafka.partitions.js';
import type { NewTopic } from './kafka.topics.js';
import { answersIn, partitionsIn, topicsIn } from './platformatic.errors.js';
import { PlatformaticMember } from './platformatic.member.js';
import { baseOptions, closeClient } from './platformatic.options.js';
import { whileUnsettled } from './platformatic.unsettled.js';
import type { SubscribeOptions } from './transport.js';
import { within } from './within.js';

type TextProducer = Producer<string, string, string, string>;

/**
 * Kafka by @platformatic/kafka. It is told to retry nothing itself: it does not learn that a coordinator moved, and a connection
 * whose request timed out is of no use any more. So a client that met such a fault is replaced by a new one. Its producer need not be idempotent then:
 * a second attempt comes from the relay, perhaps in another process, and inboxes tell duplicates.
 */
export class PlatformaticClient implements KafkaClient {
  private admin?: Admin;
  private producer?: TextProducer;
  private closed = false;

  constructor(private readonly connecting: Connecting) {}

  async connect(): Promise<void> {
    await within(REQUEST_LIMIT, this.sender().metadata({ topics: [] }), late).catch((error: unknown) => {
      this.dropProducer();
      throw error;
    });
  }

  listTopics(): Promise<string[]> {
    // The client rejects when one topic of all has no leader yet; the names are there all the same.
    return this.ask((admin) => admin.listTopics()).catch((error: unknown) => {
      const topics = topicsIn(error);
      if (!topics) throw error;
      return topics;
    });
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    for (const { topic, partitions, replicationFactor, config } of topics) {
      const configs = Object.entries(config).map(([name, value]) => ({ name, value }));
      const created = this.ask((admin) => admin.createTopics({ topics: [topic], partitions, replicas: replicationFactor, configs }));
      await created.catch((error: unknown) => {
        if (!answersIn(error).includes('TOPIC_ALREADY_EXISTS')) throw error;
      });
    }
    const names = topics.map(({ topic }) => topic);
    await whileUnsettled(() => this.ask((admin) => admin.metadata({ topics: names, forceUpdate: true })));
  }

  async probe(topics: readonly string[]): Promise<TopicPartition[]> {
    try {
      // A list of its own: the client sorts it.
      const found = await this.ask((admin) => admin.metadata({ topics: [...topics], forceUpdate: true }));
      return [...found.topics].flatMap(([topic, { partitions }]) =>
        partitions.map(({ leader, replicas, isr }) => ({ topic, leader, replicas: replicas.length, inSync: isr.length })),
      );
    } catch (error) {
      if (answersIn(error).length === 0) throw error;
      return partitionsIn(error);
    }
  }

  async send(records: readonly WireRecord[], givenUp: AbortSignal): Promise<void> {
    givenUp.throwIfAborted();
    await this.sender().send({
      acks: ALL_REPLICAS,
      messages: records.map(({ topic, key, value, headers }) => ({ topic, key, value, headers })),
    });
  }

  /** It retries nothing, so that nothing is sent any more once its connections are closed. */
  dropProducer(): void {
    const old = this.producer;
    delete this.producer;
    if (old) void closeClient(old);
  }

  answersIn(error: unknown): string[] {
    return answersIn(error);
  }

  member(options: SubscribeOptions): GroupMember {
    return new PlatformaticMember(this.connecting, options);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([this.admin, this.producer].map((client) => client && closeClient(client)));
  }

  private sender(): TextProducer {
    this.checkOpen();
    return (this.producer ??= new Producer({
      ...baseOptions(this.connecting),
      serializers: stringSerializers,
      partitioner: compatibilityPartitioner,
    }));
  }

  /** A question to any broker. One that gets no answer is the last of its client. */
  private async ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    this.checkOpen();
    const admin = (this.admin ??= new Admin(baseOptions(this.connecting)));
    try {
      return await within(REQUEST_LIMIT, question(admin), late);
    } catch (error) {
      if (answersIn(error).length === 0) {
        if (this.admin === admin) delete this.admin;
        void closeClient(admin);
      }
      throw error;
    }
  }

  private checkOpen(): void {
    if (this.closed) throw new Error('the Kafka client is closed');
  }
}

const late = () => new Error('no answer from a broker');
