import { z } from 'zod';
import { incompatibilities, type JsonSchema } from './compatibility.js';

const schema = (shape: z.ZodRawShape) => z.toJSONSchema(z.object(shape), { io: 'input' }) as JsonSchema;
const before = schema({
  id: z.uuid(),
  items: z.array(z.object({ sku: z.string(), quantity: z.int().min(1) })),
  note: z.string().optional(),
});

const change = (shape: z.ZodRawShape) =>
  incompatibilities(
    before,
    schema({
      id: z.uuid(),
      items: z.array(z.object({ sku: z.string(), quantity: z.int().min(1) })),
      note: z.string().optional(),
      ...shape,
    }),
  );

describe('compatibility of two schemas of one version', () => {
  it('allows a new optional field, anywhere', () => {
    expect(change({ coupon: z.string().optional() })).toEqual([]);
    expect(change({ items: z.array(z.object({ sku: z.string(), quantity: z.int().min(1), gift: z.boolean().optional() })) })).toEqual([]);
  });

  it('allows a note to change', () => {
    expect(change({ id: z.uuid().describe('the order') })).toEqual([]);
  });

  it.each<[string, z.ZodRawShape, RegExp]>([
    ['a new required field', { coupon: z.string() }, /\$\.coupon became required/],
    ['a field made required', { note: z.string() }, /\$\.note became required/],
    ['a field made optional', { id: z.uuid().optional() }, /\$\.id became optional/],
    ['another type', { note: z.int().optional() }, /\$\.note: type changed from "string" to "integer"/],
    ['another format', { id: z.string() }, /\$\.id: format changed/],
    [
      'a narrower bound, deep inside',
      { items: z.array(z.object({ sku: z.string(), quantity: z.int().min(2) })) },
      /quantity: minimum changed from 1 to 2/,
    ],
    ['a field removed from an item', { items: z.array(z.object({ sku: z.string() })) }, /quantity was removed/],
  ])('refuses %s', (_, shape, reason) => {
    expect(change(shape).join('\n')).toMatch(reason);
  });

  it('refuses a removed field', () => {
    expect(incompatibilities(before, schema({ id: z.uuid() }))).toEqual(
      expect.arrayContaining([expect.stringContaining('$.items was removed'), expect.stringContaining('$.note was removed')]),
    );
  });

  it('refuses a value added to an enumeration: an older reader does not know it', () => {
    const of = (values: [string, ...string[]]) => schema({ state: z.enum(values) });
    expect(incompatibilities(of(['A', 'B']), of(['A', 'B', 'C']))).toHaveLength(1);
  });
});
