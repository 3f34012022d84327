import { deadLetterTopic, PARTITIONS } from '@ballast/message';
import type { KafkaClient } from './kafka.client.js';

export interface TopicSettings {
  /** Copies of each partition; 3 in a cluster of three brokers, where a write then needs two of them. */
  replicationFactor: number;
  /** How long a broker keeps messages, ms: shorter than the inbox remembers them. */
  retention: number;
}

export interface NewTopic {
  topic: string;
  partitions: number;
  replicationFactor: number;
  config: Record<string, string>;
}

const DEAD_LETTER_RETENTION = 30 * 86_400_000;
/** A broker deletes whole segments, once the last record in them is old enough: what comes first can stay for one segment more. */
const SEGMENTS = 3;

/** Copies that have to be in sync for a write: of three one may be away, and what was acknowledged is still there. */
export const neededInSync = (replicas: number): number => (replicas >= 3 ? 2 : 1);

export const withDeadLetters = (topics: Iterable<string>): string[] => [...topics].flatMap((topic) => [topic, deadLetterTopic(topic)]);

/** Creates the topics that are missing, each with its dead-letter topic. Several services may do so at once. */
export async function createTopics(client: KafkaClient, topics: Iterable<string>, settings: TopicSettings): Promise<void> {
  const existing = new Set(await client.listTopics());
  const { replicationFactor } = settings;
  const wanted = [...new Set(topics)].flatMap((topic) => [
    { topic, retention: settings.retention },
    { topic: deadLetterTopic(topic), retention: DEAD_LETTER_RETENTION },
  ]);
  const missing = wanted.filter(({ topic }) => !existing.has(topic));
  if (missing.length === 0) return;
  await client.createTopics(
    missing.map(({ topic, retention }) => ({
      topic,
      partitions: PARTITIONS,
      replicationFactor,
      config: {
        'retention.ms': String(retention),
        'segment.ms': String(Math.ceil(retention / SEGMENTS)),
        'min.insync.replicas': String(neededInSync(replicationFactor)),
      },
    })),
  );
}
