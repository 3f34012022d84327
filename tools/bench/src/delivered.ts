import { eventually } from '@ballast/testing';
import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { until } from './load.js';

/** What stands in a topic: all records, and how many different ids they have. The rest of them came again. */
export interface Delivered {
  records: number;
  different: number;
}

/**
 * Reads a topic from its beginning to what is its end now. That the outbox is empty says nothing: a relay that deletes what it has not sent leaves it empty too,
 * and acknowledgements counted by the sender would let a record that was sent twice stand for one that was not sent.
 */
export async function delivered(
  kafka: Kafka,
  topic: string,
  told: (records: number, of: number) => void = () => undefined,
): Promise<Delivered> {
  const admin = kafka.admin();
  await admin.connect();
  // A topic that was just made may have no leader yet.
  const offsets = await eventually(() => admin.fetchTopicOffsets(topic)).finally(() => admin.disconnect());
  const ends = new Map(offsets.filter(({ low, high }) => low !== high).map(({ partition, high }) => [partition, BigInt(high)]));
  const of = offsets.reduce((sum, { low, high }) => sum + Number(BigInt(high) - BigInt(low)), 0);
  const ids = new Set<string>();
  let records = 0;
  if (!ends.size) return { records, different: 0 };

  const consumer = kafka.consumer({ groupId: `delivered-${randomUUID()}`, maxWaitTimeInMs: 100 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch: { partition, messages } }) => {
        for (const { headers } of messages) ids.add(String(headers?.['ce_id']));
        records += messages.length;
        told(records, of);
        const end = ends.get(partition);
        if (end !== undefined && BigInt(messages.at(-1)!.offset) + 1n >= end) ends.delete(partition);
        return Promise.resolve();
      },
    });
    await until(`reading ${topic} to its end`, () => !ends.size, 900);
  } finally {
    await consumer.disconnect();
  }
  return { records, different: ids.size };
}
