import { createRequire } from 'node:module';
import fc from 'fast-check';
import type { Message } from 'kafkajs';
import { OutgoingMessage } from './kafkajs.produce.js';

interface Encoded {
  buffer: Buffer;
}
interface Request {
  apiKey: number;
  apiName: string;
  apiVersion: number;
  expectResponse(): boolean;
  encode(): Promise<Encoded>;
}
type Protocol = (question: object) => { request: Request; response: object };

/** kafkajs has no types for its inner parts. */
const inner = createRequire(__filename);
const { protocol } = inner('kafkajs/src/protocol/requests/produce/index.js') as { protocol(options: { version: number }): Protocol };
const Encoder = inner('kafkajs/src/protocol/encoder.js') as new () => Encoded;

const question = (topics: Record<string, Message[][]>, more: object = {}) => ({
  ...{ acks: -1, timeout: 5_000, compression: 0, producerId: -1, producerEpoch: 0 },
  ...more,
  topicData: Object.entries(topics).map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map((messages, partition) => ({ partition, firstSequence: 0, messages })),
  })),
});

const encoded = (version: number, asked: object) => protocol({ version })(asked).request.encode();
const written = async (version: number, asked: object) => (await encoded(version, asked)).buffer;

/** The same, of messages that are not ours. */
const byKafkajs = (topics: Record<string, OutgoingMessage[][]>) =>
  Object.fromEntries(
    Object.entries(topics).map(([topic, partitions]) => [topic, partitions.map((messages) => messages.map((message) => ({ ...message })))]),
  );

/** fast-check makes no half of a surrogate pair by itself. */
const text = (maxLength: number) =>
  fc.oneof(fc.string({ unit: 'binary', maxLength }), fc.string({ maxLength }), fc.constantFrom('\ud800', 'a\udc00', '\udc00\ud800b'));
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
        const [ours, theirs] = [await encoded(version, question(topics, more)), await encoded(version, question(byKafkajs(topics), more))];
        // Each by its own writer, or this would compare kafkajs with itself.
        expect([ours instanceof Encoder, theirs instanceof Encoder]).toEqual([false, true]);
        expect(ours.buffer.equals(theirs.buffer)).toBe(true);
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

  describe('leaves to kafkajs what it does not write:', () => {
    const ours = new OutgoingMessage('key', 'value', { h: '1' });
    const foreign: Message = { key: null, value: null, headers: { h: ['1', '2'] } };
    it.each([
      ['a message of others', 7, question({ t: [[ours, foreign]] })],
      ['one in another partition', 7, question({ t: [[ours], [foreign]] })],
      ['one in another topic', 7, question({ t: [[ours]], u: [[foreign]] })],
      ['compression', 7, question({ t: [[ours]] }, { compression: 1 })],
      ['a transaction', 7, question({ t: [[ours]] }, { transactionalId: 'tx' })],
      ['the format before record batches', 2, question({ t: [[ours]] })],
    ])('%s', async (_, version, asked) => expect(await encoded(version, asked)).toBeInstanceOf(Encoder));
  });

  it.each([
    [-1, true],
    [0, false],
  ])('keeps the rest of the exchange, with acks %i', (acks, expectsResponse) => {
    const { request, response } = protocol({ version: 7 })(question({ t: [[new OutgoingMessage('k', 'v', {})]] }, { acks }));
    expect(request).toMatchObject({ apiKey: 0, apiName: 'Produce', apiVersion: 7 });
    expect(request.expectResponse()).toBe(expectsResponse);
    expect(Object.keys(response)).toEqual(['decode', 'parse']);
  });
});
