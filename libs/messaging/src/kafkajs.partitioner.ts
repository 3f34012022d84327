import type { ICustomPartitioner } from 'kafkajs';

const SEED = 0x9747b28c;
const MIX = 0x5bd1e995;
const SHIFT = 24;

/** As Java clients and kafkajs itself: every record of ours has a key. kafkajs counts in BigInts, which takes as long as writing the whole record. */
export const partitioner: ICustomPartitioner =
  () =>
  ({ message, partitionMetadata }) =>
    (murmur2(message.key!) & 0x7fffffff) % partitionMetadata.length;

/** MurmurHash2 of 32 bits, as in Kafka's `Utils.murmur2`; signed. */
export function murmur2(key: string | Buffer): number {
  const bytes = Buffer.from(key as string);
  const { length } = bytes;
  const whole = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < whole; at += 4) {
    const word = Math.imul(bytes.readInt32LE(at), MIX);
    hash = Math.imul(hash, MIX) ^ Math.imul(word ^ (word >>> SHIFT), MIX);
  }
  if (whole < length) hash = Math.imul(hash ^ bytes.readUIntLE(whole, length - whole), MIX);
  hash = Math.imul(hash ^ (hash >>> 13), MIX);
  return hash ^ (hash >>> 15);
}
