import type { WireRecord } from '@ballast/message';
import type { TopicPartition } from './kafka.partitions.js';
import type { NewTopic } from './kafka.topics.js';
import type { SubscribeOptions } from './transport.js';

/** The libraries that can speak to Kafka for us. */
export const kafkaClients = ['kafkajs', 'platformatic'] as const;
export type KafkaClientName = (typeof kafkaClients)[number];

export interface Connecting {
  /** `host:port` each; any one that answers is enough. */
  brokers: string[];
  clientId: string;
}

/**
 * One Kafka library, as far as the transport needs it. It says what happened; whether to try again, for how long, and what it means is
 * the transport's. Nothing it does goes on for longer than about ten seconds.
 */
export interface KafkaClient {
  /** Makes ready for the first send. */
  connect(): Promise<void>;
  listTopics(): Promise<string[]>;
  /** Leaves those that exist as they are. */
  createTopics(topics: readonly NewTopic[]): Promise<void>;
  /**
   * Resolves when a broker answers, with the partitions of these topics, as far as it told. A partition without a leader is an answer. After a
   * failure the next one begins with new connections.
   */
  probe(topics: readonly string[]): Promise<TopicPartition[]>;
  /** Resolves when all in-sync replicas have every record. Sends nothing any more once the signal has aborted. */
  send(records: readonly WireRecord[], givenUp: AbortSignal): Promise<void>;
  /** The next send starts with a new producer. What the old one still has under way is ended, now and when `lastSend` has settled. */
  dropProducer(lastSend: Promise<void>): void;
  /** The brokers' answers in an error, by the protocol's names; none when no broker answered. */
  answersIn(error: unknown): string[];
  member(options: SubscribeOptions): GroupMember;
  close(): Promise<void>;
}

/** A consumer in a group. */
export interface GroupMember {
  /** Whether the group's coordinator takes it for a member now. */
  readonly joined: boolean;
  /**
   * Joins and consumes until the signal aborts. Rejects after a fault; it can be called again. Either way it has let go of everything,
   * and no batch is at work any more.
   */
  consume(signal: AbortSignal, onJoined: () => void): Promise<void>;
}

/** A consumer that died is replaced after 6 s, not after kafkajs' 30 or the others' 45 and more. */
export const MEMBERSHIP = { sessionTimeout: 6_000, heartbeatInterval: 1_000, rebalanceTimeout: 6_000 };
export const PARTITIONS_AT_ONCE = 4;
/** How long a broker may keep a fetch that finds nothing. */
export const FETCH_WAIT = 500;
/** Acknowledged by all in-sync replicas. */
export const ALL_REPLICAS = -1;
/** A broker whose machine is gone refuses nothing: it is this long until another one is asked. */
export const CONNECT_LIMIT = 2_000;
export const REQUEST_LIMIT = 6_000;

/** The same brokers, begun with any of them: clients that all begin with the first would all wait for it when it is gone. */
export function fromAnyOf({ brokers, clientId }: Connecting, random: () => number = Math.random): Connecting {
  const first = Math.floor(random() * brokers.length);
  return { brokers: [...brokers.slice(first), ...brokers.slice(0, first)], clientId };
}

/** Only the client that was chosen is loaded: each is a part of a small service's memory. */
export async function loadClient(name: KafkaClientName, connecting: Connecting): Promise<KafkaClient> {
  if (name === 'platformatic') return new (await import('./platformatic.client.js')).PlatformaticClient(connecting);
  return new (await import('./kafkajs.client.js')).KafkaJsClient(connecting);
}
