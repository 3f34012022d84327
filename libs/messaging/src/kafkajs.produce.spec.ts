import { createRequire } from 'node:module';
import fc from 'fast-check';
import type { Message } from 'kafkajs';
import { OutgoingMessage } from './kafkajs.produce.js';

interface Encoded {
  buffer: Buffer;
}
type Protocol = (question: object) => { request: { apiVersion: number; encode(): Promise<Encoded> }; response: object };

/** kafkajs has no types for its inner parts. */
const { protocol } = createRequire(__filename)('kafkajs/src/protocol/requests/produce/index.js') as {
  protocol(options: { version: number }): Protocol;
};

const question = (topics: Record<string, Message[][]>, more: object = {}) => ({
  ...{ acks: -1, timeout: 5_000, compression: 0, producerId: -1, producerEpoch: 0 },
  ...more,
  topicData: Object.entries(topics).map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map((messages, partition) => ({ partition, firstSequence: 0, messages })),
  })),
});

const written = async (version: number, asked: object) => (await protocol({ version })(asked).request.encode()).buffer;

/** The same, of messages that are not ours. */
const byKafkajs = (topics: Record<string, OutgoingMessage[][]>) =>
  Object.fromEntries(
    Object.entries(topics).map(([topic, partitions]) => [topic, partitions.map((messages) => messages.map((message) => ({ ...message })))]),
  );

const text = (maxLength: number) => fc.oneof(fc.string({ unit: 'binary', maxLength }), fc.string({ maxLength }));
const message = fc
  .tuple(text(70), text(300), fc.dictionary(text(70), text(90), { maxKeys: 10, noNullPrototype: true }))
  .map(([key, value, headers]) => new OutgoingMessage(key, value, headers));
const batches = fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), fc.array(fc.array(message, { minLength: 1 }), { minLength: 1 }), {
  ...{ minKeys: 1, maxKeys: 3, noNullPrototype: true },
});

describe('a request to store records of ours', () => {
  beforeEach(() => jest.useFakeTimers({ now: new Date('2026-01-01'), doNotFake: ['nextTick', 'queueMicrotask'] }));
  afterEach(() => jest.useRealTimers());

  it.each([3, 5, 7])('has in version %i the bytes that kafkajs writes, whatever the records', async (version) => {
    await fc.assert(
      fc.asyncProperty(batches, fc.constantFrom({}, { producerId: '4611686018427387905', producerEpoch: 7 }), async (topics, more) => {
        const ours = await written(version, question(topics, more));
        expect(ours.equals(await written(version, question(byKafkajs(topics), more)))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it.each([0, 62, 63, 64, 127, 128, 8_191, 8_192, 600_000])(
    'has them for a value of %i characters, also where each takes two bytes',
    async (length) => {
      for (const letter of ['a', 'ü', '€']) {
        const topics = { t: [[new OutgoingMessage('k', letter.repeat(length), { h: letter.repeat(length % 1_000) })]] };
        expect((await written(7, question(topics))).equals(await written(7, question(byKafkajs(topics))))).toBe(true);
      }
    },
  );

  it('leaves to kafkajs what it does not write: messages of others, compression, transactions', async () => {
    const ours = new OutgoingMessage('key', 'value', { h: '1' });
    const mixed = question({ t: [[ours, { key: null, value: null, headers: { h: ['1', '2'] } }]] });
    expect((await written(7, mixed)).length).toBeGreaterThan(0);
    const zipped = question({ t: [[new OutgoingMessage('key', 'a'.repeat(10_000), {})]] }, { compression: 1 });
    expect((await written(7, zipped)).length).toBeLessThan(1_000);
    const inTransaction = await written(7, question({ t: [[ours]] }, { transactionalId: 'tx' }));
    expect(inTransaction.includes('tx')).toBe(true);
  });

  it('keeps the rest of the exchange', () => {
    const { request, response } = protocol({ version: 7 })(question({ t: [[new OutgoingMessage('k', 'v', {})]] }));
    expect(request.apiVersion).toBe(7);
    expect(Object.keys(response)).toEqual(['decode', 'parse']);
  });
});
