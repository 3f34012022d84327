import { z } from 'zod';
import { command, event, type PayloadOf, type ReplyOf } from './definition.js';
import { reads, readsReply } from './reads.js';

const money = z.object({ amount: z.int(), currency: z.string() });
const sold = event('shop.sold.v1', {
  key: (p) => p.id,
  payload: z.object({
    id: z.string(),
    total: money,
    note: z.object({ text: z.string(), by: z.string() }).optional(),
    lines: z.array(z.object({ sku: z.string(), price: money })).min(1),
  }),
});
const all = {
  id: 'a',
  total: { amount: 1, currency: 'EUR' },
  note: { text: 'hello', by: 'me' },
  lines: [{ sku: 's', price: { amount: 1, currency: 'EUR' } }],
};

it('leaves what is read, at run time and for the compiler', () => {
  const read = reads(sold, { id: true, total: { amount: true }, lines: { sku: true } });
  const payload: PayloadOf<typeof read> = read.payload.parse(all);
  expect(payload).toEqual({ id: 'a', total: { amount: 1 }, lines: [{ sku: 's' }] });
  expect([payload.id, payload.total.amount, payload.lines[0]!.sku]).toEqual(['a', 1, 's']);
  // @ts-expect-error not stated
  expect(payload.note).toBeUndefined();
  // @ts-expect-error not stated
  expect(payload.total.currency).toBeUndefined();
  // @ts-expect-error not stated
  expect(payload.lines[0]!.price).toBeUndefined();
  expect(read).toMatchObject({ kind: 'event', type: 'shop.sold.v1', service: 'shop', topic: 'shop.events' });
});

it('keeps the rules of what is read, and asks for nothing else', () => {
  const read = reads(sold, { lines: { sku: true }, note: { text: true } });
  expect(read.payload.parse({ lines: [{ sku: 's' }] })).toEqual({ lines: [{ sku: 's' }] });
  expect(read.payload.parse({ lines: [{ sku: 's' }], note: all.note })).toEqual({ lines: [{ sku: 's' }], note: { text: 'hello' } });
  expect(read.payload.safeParse({ lines: [] }).success).toBe(false);
  expect(read.payload.safeParse({ lines: [{ sku: 1 }] }).success).toBe(false);
});

it('cannot be published: a part of an event is no event', () => {
  const read = reads(sold, { id: true });
  // @ts-expect-error no call signature
  expect(() => read({ id: 'a' })).toThrow(TypeError);
});

it('refuses a field that is not there, at any depth', () => {
  // @ts-expect-error misspelt
  expect(() => reads(sold, { id: true, totl: true })).toThrow('there is no field totl; there are id, total, note, lines');
  // @ts-expect-error misspelt
  expect(() => reads(sold, { lines: { skew: true } })).toThrow('there is no field lines[].skew');
  // @ts-expect-error a text has no fields
  expect(() => reads(sold, { id: { length: true } })).toThrow('id has no fields to choose from');
});

it('narrows the answer to a command, which is sent as before', () => {
  const book = command('hotel.book.v1', {
    payload: z.object({ id: z.string() }),
    reply: z.object({ room: z.string(), floor: z.int() }),
    failures: ['FULL'],
  });
  const read = readsReply(book, { room: true });
  const reply: ReplyOf<typeof read> = read.reply.parse({ room: '12', floor: 1 });
  expect(reply).toEqual({ room: '12' });
  // @ts-expect-error not stated
  expect(reply.floor).toBeUndefined();
  const { definition, payload } = read({ id: 'a' });
  expect([definition.type, definition.failures, payload]).toEqual(['hotel.book.v1', ['FULL'], { id: 'a' }]);
});
