import type { WireRecord } from '@ballast/message';
import { type Admin, Kafka, logLevel, type Message, type Producer, type TopicMessages } from 'kafkajs';
import {
  ALL_REPLICAS,
  CONNECT_LIMIT,
  type Connecting,
  fromAnyOf,
  type GroupMember,
  type KafkaClient,
  REQUEST_LIMIT,
} from './kafka.client.js';
import type { TopicPartition } from './kafka.partitions.js';
import type { NewTopic } from './kafka.topics.js';
import { protocolError } from './kafkajs.errors.js';
import { kafkaLogger } from './kafkajs.logger.js';
import { KafkaJsMember } from './kafkajs.member.js';
import './kafkajs.metadata.js';
import { partitioner } from './kafkajs.partitioner.js';
import { OutgoingMessage } from './kafkajs.produce.js';
import './kafkajs.queue.js';
import { socketFactory } from './kafkajs.socket.js';
import type { SubscribeOptions } from './transport.js';
import { within } from './within.js';

/**
 * Kafka by kafkajs, partitioned as Java clients do. The producer is not idempotent: its sequence numbers broke for good when two sends
 * overlapped (tulios/kafkajs#598), and now each waits for the one before; the relay sends one batch at a time, and inboxes tell duplicates.
 */
export class KafkaJsClient implements KafkaClient {
  private readonly kafka: Kafka;
  private admin: Admin;
  private producer?: Promise<Producer>;

  constructor(private readonly connecting: Connecting) {
    this.kafka = new Kafka({
      ...fromAnyOf(connecting),
      logLevel: logLevel.INFO,
      logCreator: kafkaLogger,
      socketFactory,
      connectionTimeout: CONNECT_LIMIT,
      requestTimeout: REQUEST_LIMIT,
      retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 500 },
    });
    this.admin = this.kafka.admin();
  }

  async connect(): Promise<void> {
    await within(2 * REQUEST_LIMIT, this.connectedProducer(), late).catch((error: unknown) => {
      this.dropProducer(Promise.resolve());
      throw error;
    });
  }

  listTopics(): Promise<string[]> {
    return this.ask((admin) => admin.listTopics());
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    await this.ask((admin) =>
      admin.createTopics({
        waitForLeaders: true,
        timeout: REQUEST_LIMIT,
        topics: topics.map(({ topic, partitions, replicationFactor, config }) => ({
          topic,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
        })),
      }),
    );
  }

  /** About all topics: the library answers for one that is missing with none at all, and `describeCluster` asks the same. */
  async probe(topics: readonly string[]): Promise<TopicPartition[]> {
    const found = await this.ask((admin) => admin.fetchTopicMetadata());
    return found.topics
      .filter(({ name }) => topics.includes(name))
      .flatMap(({ name: topic, partitions }) =>
        partitions.map(({ leader, replicas, isr }) => ({ topic, leader, replicas: replicas.length, inSync: isr.length })),
      );
  }

  async send(records: readonly WireRecord[], givenUp: AbortSignal): Promise<void> {
    const producer = await this.connectedProducer();
    // By now another owner of the lane may be sending.
    givenUp.throwIfAborted();
    await producer.sendBatch({ acks: ALL_REPLICAS, timeout: REQUEST_LIMIT, topicMessages: byTopic(records) });
  }

  /** The old producer connects again to try again, so it is closed once more when its last send has come to an end. */
  dropProducer(lastSend: Promise<void>): void {
    const old = this.producer;
    delete this.producer;
    const close = () => old?.then((producer) => producer.disconnect()).catch(() => undefined);
    void close();
    void lastSend.then(close, close);
  }

  answersIn(error: unknown): string[] {
    return [protocolError(error) ?? []].flat();
  }

  member(options: SubscribeOptions): GroupMember {
    return new KafkaJsMember(this.connecting, options);
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.producer?.then((producer) => producer.disconnect()), this.admin.disconnect()]);
  }

  /**
   * A question to any broker. An admin that first met a broker which takes connections and answers nothing never finishes connecting, also
   * when that broker goes on; so one that gets no answer is replaced.
   */
  private async ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    const { admin } = this;
    try {
      return await within(
        2 * REQUEST_LIMIT,
        admin.connect().then(() => question(admin)),
        late,
      );
    } catch (error) {
      if (this.admin === admin && !protocolError(error)) {
        this.admin = this.kafka.admin();
        admin.disconnect().catch(() => undefined);
      }
      throw error;
    }
  }

  private connectedProducer(): Promise<Producer> {
    if (this.producer) return this.producer;
    const connecting = (async () => {
      const producer = this.kafka.producer({ allowAutoTopicCreation: false, createPartitioner: partitioner });
      await producer.connect();
      return producer;
    })();
    connecting.catch(() => {
      if (this.producer === connecting) delete this.producer;
    });
    return (this.producer = connecting);
  }
}

const late = () => new Error('no answer from a broker');

function byTopic(records: readonly WireRecord[]): TopicMessages[] {
  const topics = new Map<string, Message[]>();
  for (const { topic, key, value, headers } of records) {
    const messages = topics.get(topic) ?? [];
    topics.set(topic, messages);
    messages.push(new OutgoingMessage(key, value, headers));
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }));
}
