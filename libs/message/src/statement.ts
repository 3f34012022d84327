import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { JsonSchema } from './compatibility.js';

const schema = z.record(z.string(), z.unknown());

/** What one service needs of the others: the JSON Schemas of what it reads, of what it sends them, and of its HTTP calls. */
const statement = z.strictObject({
  consumer: z.string().min(1),
  /** By message type: events, the commands it takes, and as `….reply` the answers it gets. */
  reads: z.record(z.string(), schema).default({}),
  /** By type: the commands it sends. */
  sends: z.record(z.string(), schema).default({}),
  /** By `<service> <METHOD> <path>`: the bodies it sends and reads. */
  calls: z.record(z.string(), z.strictObject({ sends: schema.optional(), reads: schema.optional() })).default({}),
});
export type Statement = z.output<typeof statement>;

/** Every statement in `directory`, one JSON file each. Throws for a file that is none, and names it. */
export function readStatements(directory: string): Statement[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => {
    try {
      return statement.parse(JSON.parse(readFileSync(join(directory, file), 'utf8')));
    } catch (error) {
      throw new Error(`${file} is not a consumer's statement: ${(error as Error).message}`, { cause: error });
    }
  });
}

/** Writes it as `<consumer>.json`; one that needs nothing has no file. */
export function writeStatement(own: Statement, directory: string): void {
  const file = join(directory, `${own.consumer}.json`);
  mkdirSync(directory, { recursive: true });
  if ([own.reads, own.sends, own.calls].every((part) => Object.keys(part).length === 0)) rmSync(file, { force: true });
  else writeFileSync(file, JSON.stringify(own, null, 2) + '\n');
}

/** A reader's schema: unknown fields are allowed. */
export const readSchema = (type: z.ZodType): JsonSchema => withoutDialect(z.toJSONSchema(type, { io: 'input' }));
/** A writer's schema: what passed its check, so that a field with a default is always there. */
export const writtenSchema = (type: z.ZodType): JsonSchema => withoutDialect(z.toJSONSchema(type, { io: 'output' }));

function withoutDialect({ $schema: _, ...rest }: JsonSchema): JsonSchema {
  return rest;
}
