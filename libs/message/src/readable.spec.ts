import { z } from 'zod';
import { unreadable } from './readable.js';
import { readSchema, writtenSchema } from './statement.js';

const problems = (written: z.ZodType, read: z.ZodType) =>
  unreadable(writtenSchema(written), readSchema(read)).map(({ field, reason }) => `${field || '(root)'} ${reason}`);
const sale = z.object({ id: z.uuid(), state: z.enum(['OPEN', 'PAID']), lines: z.array(z.object({ sku: z.string(), n: z.int().max(9) })) });
const withLines = (line: z.ZodType) => sale.extend({ lines: z.array(line) });

describe('what a reader can go on with', () => {
  it.each<[string, z.ZodType, z.ZodType]>([
    ['the same', sale, sale],
    ['a field more', sale.extend({ more: z.string() }), sale],
    ['fewer fields read', sale, z.object({ lines: z.array(z.object({ sku: z.string() })) })],
    ['an optional field that is always there now', sale, sale.partial()],
    ['a field with a default', z.object({ n: z.int().default(1) }), z.object({ n: z.int() })],
    ['an integer read as a number', z.int(), z.number()],
    ['fewer values', sale.extend({ state: z.enum(['OPEN']) }), sale],
    ['one value of several', z.literal('OPEN'), z.enum(['OPEN', 'PAID'])],
    ['values read as text', sale, z.object({ state: z.string() })],
    ['a narrower number', z.int().min(2).max(8), z.int().min(1).max(9)],
    ['what may be null, read so', z.string().nullable(), z.string().nullable()],
    ['one branch of several', z.object({ a: z.string() }), z.union([z.object({ a: z.string() }), z.object({ b: z.string() })])],
    ['anything', sale, z.unknown()],
    ['members of a record', z.object({ a: z.int() }), z.record(z.string(), z.int())],
  ])('%s', (_, written, read) => expect(problems(written, read)).toEqual([]));
});

describe('what breaks a reader, and where', () => {
  it.each<[string, z.ZodType, z.ZodType, RegExp]>([
    ['removed or renamed', sale.omit({ id: true }), sale, /^id is not there$/],
    ['removed, though the reader could do without', sale.omit({ id: true }), sale.partial(), /^id is not there$/],
    ['optional now', sale.partial({ id: true }), sale, /^id may be missing$/],
    ['another type', sale.extend({ id: z.int() }), sale, /^id is of type integer and is read as string$/],
    ['null now', sale.extend({ id: z.uuid().nullable() }), sale, /^id is of type null and is read as string$/],
    ['text that need not be an id now', sale.extend({ id: z.string() }), z.object({ id: z.uuid() }), /^id is read with format "uuid"/],
    [
      'a value more',
      sale.extend({ state: z.enum(['OPEN', 'PAID', 'LOST']) }),
      sale,
      /^state may be \["LOST"\], which its reader does not know$/,
    ],
    ['any value now', sale.extend({ state: z.string() }), sale, /^state may be anything and is read as one of \["OPEN","PAID"\]$/],
    ['in an element', withLines(z.object({ n: z.int().max(9) })), sale, /^lines\[\]\.sku is not there$/],
    ['a wider number', withLines(z.object({ sku: z.string(), n: z.int().max(99) })), sale, /^lines\[\]\.n is read with maximum 9/],
    ['a number with a fraction', withLines(z.object({ sku: z.string(), n: z.number().max(9) })), sale, /^lines\[\]\.n is of type number/],
    ['one object instead of a list', sale.extend({ lines: z.object({}) }), sale, /^lines is of type object and is read as array$/],
    ['a list that may be empty now', z.array(z.string()), z.array(z.string()).min(1), /^\(root\) is read with minItems 1/],
    ['no branch', z.object({ c: z.string() }), z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]), /^a is not there$/],
    ['members of a record', z.record(z.string(), z.string()), z.record(z.string(), z.int()), /^\.\* is of type string/],
    ['what a strict reader refuses', sale, z.strictObject({ id: z.uuid() }), /^state is not expected$/],
  ])('%s', (_, written, read, expected) => expect(problems(written, read)[0]).toMatch(expected));
});
