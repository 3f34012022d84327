import { readStatements, replySchema, replyType, writtenSchema } from '@ballast/message';
import { valuesOf } from '@ballast/message/testing';
import fc from 'fast-check';
import { join } from 'node:path';
import { z } from 'zod';
import { messages } from './index.js';

const schemas = new Map<string, z.ZodType>(
  messages.flatMap((m) => [
    [m.type, m.payload as z.ZodType] as const,
    ...(m.kind === 'command' ? [[replyType(m), replySchema(m)] as const] : []),
  ]),
);
const read = readStatements(join(__dirname, '..', 'consumers')).flatMap(({ consumer, reads }) =>
  Object.entries(reads).map(([type, schema]) => ({ consumer, type, schema })),
);

it.each(read)('$consumer can read every $type', ({ type, schema }) => {
  const reader = z.fromJSONSchema(schema as never);
  fc.assert(fc.property(valuesOf(writtenSchema(schemas.get(type)!)), (message) => expect(reader.safeParse(message).error).toBeUndefined()));
});
