import { createRequire } from 'node:module';
import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { murmur2, partitioner } from './kafkajs.partitioner.js';

/** kafkajs has no types for its inner parts. */
const theirs = createRequire(__filename)('kafkajs/src/producer/partitioners/default/murmur2.js') as (key: string | Buffer) => number;
const partitions = (length: number) =>
  Array.from({ length }, (_, partitionId) => ({ partitionId, partitionErrorCode: 0, leader: 1, replicas: [1], isr: [1] }));
/** fast-check makes no half of a surrogate pair. */
const HALVES = ['\ud800', 'a\udc00', '\udc00\ud800b'];

describe('the partition of a key', () => {
  // From the tests of Kafka's own `Utils.murmur2`.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('hashes %s as Java does', (key, hash) => expect(murmur2(key)).toBe(hash));

  it('is the one that kafkajs finds, whatever the key', () => {
    const [ours, itsOwn] = [partitioner(), Partitioners.DefaultPartitioner()];
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 70 }), fc.constantFrom(...HALVES)),
        fc.constantFrom(1, 3, 12, 64),
        (key, count) => {
          expect(murmur2(key)).toBe(theirs(key));
          const question = { topic: 't', partitionMetadata: partitions(count), message: { key, value: '' } };
          expect(ours(question)).toBe(itsOwn(question));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
