import fc from 'fast-check';
import type { JsonSchema } from './compatibility.js';

/** Values that fit a schema, of the kinds that messages use. */
export function valuesOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { anyOf, oneOf, enum: values, type, properties = {}, required = [], items, pattern } = schema as Shape;
  const branches = anyOf ?? oneOf ?? (Array.isArray(type) ? type.map((one): JsonSchema => ({ ...schema, type: one })) : undefined);
  if (branches) return fc.oneof(...branches.map(valuesOf));
  if ('const' in schema) return fc.constant(schema['const']);
  if (values) return fc.constantFrom(...values);
  if (type === 'object') {
    const members = Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, valuesOf(member)]));
    return fc.record(members, { requiredKeys: required });
  }
  if (type === 'array')
    return fc.array(valuesOf(items ?? {}), { minLength: number(schema, 'minItems', 0), maxLength: number(schema, 'maxItems', 4) });
  if (type === 'integer')
    return fc.integer({ min: Math.max(number(schema, 'minimum', -1e6), -1e9), max: Math.min(number(schema, 'maximum', 1e6), 1e9) });
  if (type === 'number')
    return fc.double({ noNaN: true, noDefaultInfinity: true, min: number(schema, 'minimum', -1e6), max: number(schema, 'maximum', 1e6) });
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  if (type !== 'string') return fc.jsonValue({ maxDepth: 1 });
  if (schema['format'] === 'uuid') return fc.uuid();
  if (pattern) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ minLength: number(schema, 'minLength', 0), maxLength: Math.min(number(schema, 'maxLength', 12), 100) });
}

interface Shape {
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  enum?: unknown[];
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  pattern?: string;
}

const number = (schema: JsonSchema, keyword: string, otherwise: number): number => (schema[keyword] as number | undefined) ?? otherwise;
