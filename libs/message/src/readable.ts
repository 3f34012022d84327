import { z } from 'zod';
import type { JsonSchema } from './compatibility.js';

/** A field that its reader cannot rely on, and why. */
export interface Unreadable {
  /** As in `items[].unitPrice.amount`; empty for the whole. */
  field: string;
  reason: string;
}

const NOTES = ['$schema', '$id', 'title', 'description', 'examples', 'default', 'deprecated', '$comment'];
const COMPARED = ['type', 'enum', 'const', 'anyOf', 'oneOf', 'properties', 'required', 'additionalProperties', 'items'];
const KNOWN = new Set([...NOTES, ...COMPARED]);
const LOWER = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']);
const UPPER = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']);

/**
 * Where a value that fits `written` may not fit `read`; empty when every one does. Errs on the side of a complaint: a keyword
 * it does not know has to be the same on both sides. A field that is read, be it optional, has to be there.
 */
export function unreadable(written: JsonSchema, read: JsonSchema, field = ''): Unreadable[] {
  const alternatives = branches(written);
  if (alternatives) return alternatives.flatMap((branch) => unreadable(branch, read, field));
  const readings = branches(read);
  if (readings) return best(readings.map((reading) => unreadable(written, reading, field)));
  const values = valuesOf(written);
  if (values && !isObject(read)) return refusedValues(values, read, field);
  return [...typeProblems(written, read, field), ...ruleProblems(written, read, field), ...insideProblems(written, read, field)];
}

function typeProblems(written: JsonSchema, read: JsonSchema, field: string): Unreadable[] {
  const [w, r] = [typesOf(written), typesOf(read)];
  if (!r || (w && w.every((type) => r.includes(type) || (type === 'integer' && r.includes('number'))))) return [];
  return [{ field, reason: `is of type ${w?.join(' or ') ?? 'anything'} and is read as ${r.join(' or ')}` }];
}

function ruleProblems(written: JsonSchema, read: JsonSchema, field: string): Unreadable[] {
  const problems: Unreadable[] = [];
  const expected = valuesOf(read);
  if (expected && !valuesOf(written)) problems.push({ field, reason: `may be anything and is read as one of ${show(expected)}` });
  for (const [keyword, limit] of Object.entries(read)) {
    if (KNOWN.has(keyword) || within(keyword, written[keyword], limit)) continue;
    problems.push({ field, reason: `is read with ${keyword} ${show(limit)} and is written with ${show(written[keyword])}` });
  }
  return problems;
}

function within(keyword: string, written: unknown, read: unknown): boolean {
  if (keyword === 'propertyNames' && JSON.stringify(read) === '{"type":"string"}') return true; // in JSON they always are
  if (LOWER.has(keyword)) return typeof written === 'number' && written >= Number(read);
  if (UPPER.has(keyword)) return typeof written === 'number' && written <= Number(read);
  return JSON.stringify(written) === JSON.stringify(read);
}

function insideProblems(written: JsonSchema, read: JsonSchema, field: string): Unreadable[] {
  const problems: Unreadable[] = [];
  const [has, wanted] = [propertiesOf(written), propertiesOf(read)];
  const [always, needed] = [requiredOf(written), requiredOf(read)];
  const rest = read['additionalProperties'];
  for (const [name, part] of Object.entries(wanted)) {
    const at = field ? `${field}.${name}` : name;
    if (!has[name]) problems.push({ field: at, reason: 'is not there' });
    else {
      if (needed.has(name) && !always.has(name)) problems.push({ field: at, reason: 'may be missing' });
      problems.push(...unreadable(has[name], part, at));
    }
  }
  for (const [name, part] of Object.entries(has)) {
    const at = field ? `${field}.${name}` : name;
    if (wanted[name] || rest === undefined || rest === true) continue;
    problems.push(...(rest === false ? [{ field: at, reason: 'is not expected' }] : unreadable(part, rest as JsonSchema, at)));
  }
  if (isSchema(rest) && written['additionalProperties'] !== false)
    problems.push(...unreadable(isSchema(written['additionalProperties']) ? written['additionalProperties'] : {}, rest, `${field}.*`));
  if (isSchema(read['items']))
    problems.push(...unreadable(isSchema(written['items']) ? written['items'] : {}, read['items'], `${field}[]`));
  return problems;
}

/** Of several ways to read it, the one with the least to complain of. */
const best = (complaints: Unreadable[][]): Unreadable[] => complaints.reduce((least, next) => (next.length < least.length ? next : least));

function refusedValues(values: readonly unknown[], read: JsonSchema, field: string): Unreadable[] {
  const reader = z.fromJSONSchema(read as never);
  const refused = values.filter((value) => !reader.safeParse(value).success);
  return refused.length ? [{ field, reason: `may be ${show(refused)}, which its reader does not know` }] : [];
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null && !Array.isArray(value);
const isObject = (schema: JsonSchema) => schema['type'] === 'object' || schema['type'] === 'array';
const branches = (schema: JsonSchema) => (schema['anyOf'] ?? schema['oneOf']) as JsonSchema[] | undefined;
const valuesOf = (schema: JsonSchema) => ('const' in schema ? [schema['const']] : (schema['enum'] as unknown[] | undefined));
const typesOf = (schema: JsonSchema) => (schema['type'] === undefined ? undefined : ([schema['type']].flat() as string[]));
const propertiesOf = (schema: JsonSchema) => (schema['properties'] ?? {}) as Record<string, JsonSchema>;
const requiredOf = (schema: JsonSchema) => new Set((schema['required'] ?? []) as string[]);
const show = (value: unknown) => (value === undefined ? 'nothing of the kind' : JSON.stringify(value));
