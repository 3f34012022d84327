import timers from 'node:timers/promises';
import { Books, FREE, type Traffic } from '../test/books.js';
import { lost, type Message } from './ways.js';

const message = (key: string): Message => ({ topic: 'order.events', from: 'order', to: 'cart', key });
const one = message('one');
const lag = (partition: number, messages: number, topic = 'order.events') => ({ topic, partition, messages });

/** What is lost when the services say this, look by look, a second apart; the last for good. */
async function lostOf(looks: Partial<Traffic>[], messages = [one], time = (looks.length - 1) * 1_000) {
  const books = new Books([]);
  let look = 0;
  books.onRead = (path) => {
    if (path === 'outbox') books.traffic = { ...FREE, ...looks[Math.min(look++, looks.length - 1)] };
  };
  return { lost: [...(await lost(books.operator, messages, time))].map(({ key }) => key), looks: look, books };
}

beforeEach(() => {
  let now = Date.now();
  jest.spyOn(Date, 'now').mockImplementation(() => now);
  jest.spyOn(timers, 'setTimeout').mockImplementation((ms) => Promise.resolve((now += ms!)) as never);
});
afterEach(() => jest.restoreAllMocks());

it('a message is lost when nothing was in its way, at any look', async () => {
  expect(await lostOf([FREE], [one], 12_000)).toMatchObject({ lost: ['one'], looks: 13 });
});

it('asks the sender for its outbox, and the reader for what it has still to read and has set aside', async () => {
  const { books } = await lostOf([FREE]);
  expect([...books.asked].sort()).toEqual([
    'cart /health/ready',
    'cart /ops/v1/lag',
    'cart dead-letters',
    'order outbox',
    'order outbox/parked',
  ]);
});

const hindrances: [string, Partial<Traffic>][] = [
  ['older messages wait in the outbox', { oldestSeconds: 60 }],
  ['the broker has refused it', { parked: [{ key: 'one' }] }],
  ['its reader has set it aside', { letters: [{ key: 'another' }, { key: 'one' }] }],
  ['a replica of its reader has no broker', { health: [{ away: [] }, { away: ['broker'] }] }],
  ['a replica of its reader is behind', { lags: [[lag(0, 0)], [lag(7, 1)]] }],
];

it.each(hindrances)('none is while %s', async (_, traffic) => {
  expect((await lostOf([traffic, traffic, traffic])).lost).toEqual([]);
});

it.each(hindrances.slice(0, 4))('none is right after %s: its reader has to come back to it', async (_, traffic) => {
  expect((await lostOf([traffic, FREE, FREE])).lost).toEqual([]);
  expect((await lostOf([FREE, FREE, traffic])).lost).toEqual([]);
});

it('what was in the way of all is not watched to the end: an outage does not make runs longer', async () => {
  expect((await lostOf([{ oldestSeconds: 60 }], [one], 12_000)).looks).toBe(1);
});

it.each<[string, Partial<Traffic>]>([
  ['messages that were written just now', { oldestSeconds: 0.2 }],
  ['others that the broker refused, or the reader set aside', { parked: [{ key: 'another' }], letters: [{ key: 'another' }] }],
  ['another dependency of the reader that is away', { health: [{ away: ['auth'] }] }],
  ['what is left of another topic', { lags: [[lag(3, 9, 'inventory.events')]] }],
])('%s are not in the way', async (_, traffic) => {
  expect((await lostOf([traffic, traffic])).lost).toEqual(['one']);
});

it('a reader that is never idle has read what came before, once each partition has been read to its end', async () => {
  const busy = [{ lags: [[lag(0, 3), lag(1, 0)]] }, { lags: [[lag(0, 0), lag(1, 5)]] }, { lags: [[lag(0, 2), lag(1, 2)]] }];
  expect((await lostOf(busy)).lost).toEqual(['one']);
  expect((await lostOf([busy[0]!, busy[2]!])).lost).toEqual([]);
});

it('each message has its own way', async () => {
  const checkout: Message = { topic: 'cart.events', from: 'cart', to: 'order', key: 'cart-1' };
  const traffic = { parked: [{ key: 'two' }], lags: [[lag(0, 4, 'cart.events')]] };
  expect((await lostOf([traffic, traffic], [one, message('two'), checkout])).lost).toEqual(['one']);
});

it('nothing is asked when nothing is missing, and nothing is lost when there is no time to look', async () => {
  expect(await lostOf([FREE], [])).toMatchObject({ lost: [], looks: 0 });
  const books = new Books([]);
  expect(await lost(books.operator, [one], 12_000, AbortSignal.abort())).toEqual(new Set());
});
