import { type fetchV17, IS_CONTROL, type KafkaRecord } from '@platformatic/kafka';
import type { ReceivedRecord } from './transport.js';

/** What one fetch brought of one partition. */
export interface Fetched {
  records: ReceivedRecord[];
  /** The offset behind the last record, also behind what is not for us: markers, what was compacted away. */
  next: bigint;
  lag: number;
}

type Partition = fetchV17.FetchResponsePartition;

/** A broker sends whole batches as they were written, so the first may begin before the position that was asked for. */
export function fetchedFrom(topic: string, position: bigint, { records: batches = [], highWatermark }: Partition): Fetched {
  const records: ReceivedRecord[] = [];
  let next = position;
  for (const { attributes, firstOffset, lastOffsetDelta, records: content } of batches) {
    next = maxOf(next, firstOffset + BigInt(lastOffsetDelta) + 1n);
    if (attributes & IS_CONTROL) continue;
    for (const record of content) {
      const offset = firstOffset + BigInt(record.offsetDelta);
      if (offset >= position) records.push(toRecord(topic, offset, record));
    }
  }
  return { records, next, lag: Number(maxOf(0n, highWatermark - next)) };
}

const toRecord = (topic: string, offset: bigint, { key, value, headers }: KafkaRecord): ReceivedRecord => ({
  topic,
  key: key?.toString() ?? '',
  value: value?.toString() ?? '',
  // Of a header that was given more than once, the last.
  headers: Object.fromEntries(headers.flatMap(([name, text]) => (name && text ? [[name.toString(), text.toString()]] : []))),
  offset: String(offset),
});

export const maxOf = (a: bigint, b: bigint): bigint => (a > b ? a : b);
