/** A JSON Schema, as far as the check reads it. */
export type JsonSchema = { [keyword: string]: unknown };

const ANNOTATIONS = new Set(['$schema', '$id', 'title', 'description', 'examples', 'default', 'deprecated', '$comment']);

/**
 * What keeps the two schemas from being used side by side, as readable sentences; empty when they are compatible.
 *
 * The rule is full compatibility, since during a rolling upgrade either version may read what the other wrote: within one
 * version a message may only gain optional fields, and its notes may change. Everything else is a new version.
 */
export function incompatibilities(before: JsonSchema, after: JsonSchema, path = '$'): string[] {
  const problems: string[] = [];
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const keyword of keywords) {
    if (ANNOTATIONS.has(keyword) || keyword === 'properties' || keyword === 'required') continue;
    const [b, a] = [before[keyword], after[keyword]];
    if (isSchema(b) && isSchema(a)) problems.push(...incompatibilities(b, a, `${path}.${keyword}`));
    else if (isSchemaList(b) && isSchemaList(a) && b.length === a.length)
      b.forEach((schema, i) => problems.push(...incompatibilities(schema, a[i]!, `${path}.${keyword}[${i}]`)));
    else if (!sameJson(b, a)) problems.push(`${path}: ${keyword} changed from ${show(b)} to ${show(a)}`);
  }
  return [...problems, ...propertyProblems(before, after, path)];
}

function propertyProblems(before: JsonSchema, after: JsonSchema, path: string): string[] {
  const [old, now] = [propertiesOf(before), propertiesOf(after)];
  const [oldRequired, nowRequired] = [requiredOf(before), requiredOf(after)];
  const problems: string[] = [];
  for (const [name, schema] of Object.entries(old)) {
    const next = now[name];
    if (!next) problems.push(`${path}.${name} was removed: an older reader may need it`);
    else problems.push(...incompatibilities(schema, next, `${path}.${name}`));
    if (next && oldRequired.has(name) && !nowRequired.has(name)) problems.push(`${path}.${name} became optional: an older reader needs it`);
  }
  for (const name of nowRequired)
    if (!oldRequired.has(name)) problems.push(`${path}.${name} became required: an older message does not have it`);
  return problems;
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null && !Array.isArray(value);
const isSchemaList = (value: unknown): value is JsonSchema[] => Array.isArray(value) && value.every(isSchema);
const propertiesOf = (schema: JsonSchema) => (schema['properties'] ?? {}) as Record<string, JsonSchema>;
const requiredOf = (schema: JsonSchema) => new Set((schema['required'] ?? []) as string[]);
const sameJson = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
const show = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value));
