import fc from 'fast-check';
import { z } from 'zod';
import { unreadable } from './readable.js';
import { readSchema, writtenSchema } from './statement.js';
import { valuesOf } from './testing.js';

const leaf = fc.constantFrom<z.ZodType>(
  z.string(),
  z.string().min(1),
  z.uuid(),
  z.int().min(0).max(9),
  z.int().min(0).max(99),
  z.number().max(99),
  z.enum(['A', 'B']),
  z.enum(['A', 'B', 'C']),
  z.literal('A'),
  z.boolean(),
);
/** Few kinds and few names, so that two of them often have much in common. */
const types = fc.letrec<{ type: z.ZodType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc
      .dictionary(fc.constantFrom('a', 'b'), fc.tuple(tie('type'), fc.boolean()), { maxKeys: 2, noNullPrototype: true })
      .map((members) =>
        z.object(Object.fromEntries(Object.entries(members).map(([name, [type, optional]]) => [name, optional ? type.optional() : type]))),
      ),
    fc.tuple(tie('type'), fc.integer({ min: 0, max: 1 })).map(([element, least]) => z.array(element).min(least)),
    tie('type').map((type) => type.nullable()),
    fc.tuple(tie('type'), tie('type')).map((both) => z.union(both)),
  ),
})).type;

it('what is found readable is readable: every value that may be written passes its reader', () => {
  let readable = 0;
  fc.assert(
    fc.property(types, types, fc.integer(), (written, read, seed) => {
      const schema = writtenSchema(written);
      if (unreadable(schema, readSchema(read)).length > 0) return;
      readable++;
      for (const value of fc.sample(valuesOf(schema), { numRuns: 10, seed }))
        expect([value, read.safeParse(value).success]).toEqual([value, true]);
    }),
    { numRuns: 5_000 },
  );
  expect(readable).toBeGreaterThan(200);
});

it('a type can read itself', () => {
  fc.assert(fc.property(types, (type) => expect(unreadable(writtenSchema(type), readSchema(type))).toEqual([])));
});
