import type { TopicPartition } from './kafka.partitions.js';

interface ClientError {
  code?: unknown;
  /** The protocol's name of a broker's answer. */
  apiId?: unknown;
  errors?: unknown;
  cause?: unknown;
  message?: unknown;
}

/** The client looks a topic up before it sends, and words the broker's answer anew. */
const UNKNOWN_TOPIC = /^Unknown topic /;

/** What the brokers answered, by the protocol's names: the client nests it in lists and causes. */
export function answersIn(error: unknown, depth = 0): string[] {
  if (typeof error !== 'object' || error === null || depth > 5) return [];
  const { code, apiId, errors, cause, message } = error as ClientError;
  const own = typeof apiId === 'string' ? [apiId] : [];
  if (code === 'PLT_KFK_USER' && UNKNOWN_TOPIC.test(String(message))) own.push('UNKNOWN_TOPIC_OR_PARTITION');
  const nested = [...(Array.isArray(errors) ? (errors as unknown[]) : []), cause];
  return [...own, ...nested.flatMap((each) => answersIn(each, depth + 1))];
}

/** The id a coordinator gives a new member, together with the demand to join again by it. */
export function memberIdIn(error: unknown): string | undefined {
  const found = (error as { findBy?(property: string, value: unknown): { memberId?: unknown } | null }).findBy?.(
    'apiId',
    'MEMBER_ID_REQUIRED',
  );
  return typeof found?.memberId === 'string' ? found.memberId : undefined;
}

interface RefusedAnswer {
  response?: {
    topics?: {
      name: string | null;
      isInternal: boolean;
      errorCode: number;
      partitions: { leaderId: number; replicaNodes: unknown[]; isrNodes: unknown[] }[];
    }[];
  };
}

/** The names in an answer that was refused as a whole because something is wrong with one topic of many. */
export function topicsIn(error: unknown): string[] | undefined {
  const { response } = error as RefusedAnswer;
  return response?.topics?.flatMap(({ name, isInternal, errorCode }) => (name && !isInternal && errorCode === 0 ? [name] : []));
}

/** The partitions in such an answer; none when one of the topics is not known, which leaves the client no answer to keep. */
export function partitionsIn(error: unknown): TopicPartition[] {
  const { response } = error as RefusedAnswer;
  return (response?.topics ?? []).flatMap(({ name: topic, partitions }) => {
    if (!topic) return [];
    return partitions.map((each) => ({ topic, leader: each.leaderId, replicas: each.replicaNodes.length, inSync: each.isrNodes.length }));
  });
}
