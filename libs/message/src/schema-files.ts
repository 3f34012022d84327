import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { incompatibilities, type JsonSchema } from './compatibility.js';
import type { AnyDefinition } from './definition.js';
import { replySchema, replyType } from './reply.js';

/** What a definition's schema file and the definition itself say of each other. */
export interface SchemaDifference {
  file: string;
  kind: 'new' | 'changed' | 'incompatible' | 'orphan';
  /** Of an incompatible change: why it is one. */
  reasons: string[];
}

/** The JSON Schema of every message, by its type: a command brings its reply's too. */
export function schemasOf(definitions: readonly AnyDefinition[]): Map<string, JsonSchema> {
  const schemas = new Map<string, JsonSchema>();
  for (const definition of definitions) {
    schemas.set(definition.type, jsonSchema(definition.type, definition.payload));
    if (definition.kind === 'command') schemas.set(replyType(definition), jsonSchema(replyType(definition), replySchema(definition)));
  }
  return schemas;
}

/** Compares the definitions with the committed files in `directory`, one `<type>.json` each. */
export function compareSchemaFiles(definitions: readonly AnyDefinition[], directory: string): SchemaDifference[] {
  const committed = readSchemaFiles(directory);
  const differences: SchemaDifference[] = [];
  for (const [type, schema] of schemasOf(definitions)) {
    const before = committed.get(type);
    committed.delete(type);
    if (!before) differences.push({ file: `${type}.json`, kind: 'new', reasons: [] });
    else if (JSON.stringify(before) !== JSON.stringify(schema)) {
      const reasons = incompatibilities(before, schema);
      differences.push({ file: `${type}.json`, kind: reasons.length ? 'incompatible' : 'changed', reasons });
    }
  }
  for (const type of committed.keys()) differences.push({ file: `${type}.json`, kind: 'orphan', reasons: [] });
  return differences;
}

/** Writes new and compatibly changed schemas; leaves the files of incompatible changes alone and returns all differences. */
export function writeSchemaFiles(definitions: readonly AnyDefinition[], directory: string): SchemaDifference[] {
  const differences = compareSchemaFiles(definitions, directory);
  mkdirSync(directory, { recursive: true });
  const schemas = schemasOf(definitions);
  for (const { file, kind } of differences) {
    if (kind !== 'new' && kind !== 'changed') continue;
    writeFileSync(join(directory, file), JSON.stringify(schemas.get(file.replace(/\.json$/, '')), null, 2) + '\n');
  }
  return differences;
}

function readSchemaFiles(directory: string): Map<string, JsonSchema> {
  let files: string[] = [];
  try {
    files = readdirSync(directory).filter((f) => f.endsWith('.json'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return new Map(files.map((f) => [f.replace(/\.json$/, ''), JSON.parse(readFileSync(join(directory, f), 'utf8')) as JsonSchema]));
}

/** The schema of what a producer may write (`io: input`), so that unknown fields stay allowed for readers. */
const jsonSchema = (type: string, schema: z.ZodType): JsonSchema => ({
  $id: `${type}.json`,
  ...(z.toJSONSchema(schema, { io: 'input' }) as JsonSchema),
});
