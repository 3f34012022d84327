import { deadLetterTopic, PARTITIONS } from '@ballast/message';
import type { Admin } from 'kafkajs';

export interface TopicSettings {
  /** Copies of each partition; 3 in a cluster of three brokers, where a write then needs two of them. */
  replicationFactor: number;
  /** How long a broker keeps messages, ms: shorter than the inbox remembers them. */
  retention: number;
}

const DEAD_LETTER_RETENTION = 30 * 86_400_000;
/** A broker deletes whole segments, once the last record in them is old enough: what comes first can stay for one segment more. */
const SEGMENTS = 3;

/** Creates the topics that are missing, each with its dead-letter topic. Several services may do so at once. */
export async function createTopics(admin: Admin, topics: Iterable<string>, settings: TopicSettings): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const wanted = [...new Set(topics)].flatMap((topic) => [
    { topic, retention: settings.retention },
    { topic: deadLetterTopic(topic), retention: DEAD_LETTER_RETENTION },
  ]);
  const missing = wanted.filter(({ topic }) => !existing.has(topic));
  if (missing.length === 0) return;
  await admin.createTopics({
    waitForLeaders: true,
    timeout: 10_000,
    topics: missing.map(({ topic, retention }) => ({
      topic,
      numPartitions: PARTITIONS,
      replicationFactor: settings.replicationFactor,
      configEntries: [
        { name: 'retention.ms', value: String(retention) },
        { name: 'segment.ms', value: String(Math.ceil(retention / SEGMENTS)) },
        { name: 'min.insync.replicas', value: settings.replicationFactor >= 3 ? '2' : '1' },
      ],
    })),
  });
}
