import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { command, event } from './definition.js';
import { compareSchemaFiles, writeSchemaFiles } from './schema-files.js';

const placed = (payload: z.ZodObject) => event('shop.placed.v1', { key: () => 'k', payload });
const first = placed(z.object({ id: z.uuid() }));
const ship = command('shop.ship.v1', { payload: z.object({ id: z.uuid() }), reply: z.object({ parcel: z.string() }) });

describe('schema files', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'schemas-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('are one per type, a command with its reply', () => {
    writeSchemaFiles([first, ship], directory);
    expect(readdirSync(directory).sort()).toEqual(['shop.placed.v1.json', 'shop.ship.v1.json', 'shop.ship.v1.reply.json']);
    expect(compareSchemaFiles([first, ship], directory)).toEqual([]);
  });

  it('are updated by a compatible change', () => {
    writeSchemaFiles([first], directory);
    const next = placed(z.object({ id: z.uuid(), note: z.string().optional() }));
    expect(writeSchemaFiles([next], directory)).toEqual([{ file: 'shop.placed.v1.json', kind: 'changed', reasons: [] }]);
    expect(compareSchemaFiles([next], directory)).toEqual([]);
  });

  it('are left alone by an incompatible change, which is reported', () => {
    writeSchemaFiles([first], directory);
    const before = readFileSync(join(directory, 'shop.placed.v1.json'), 'utf8');
    const next = placed(z.object({ id: z.uuid(), note: z.string() }));
    expect(writeSchemaFiles([next], directory)).toMatchObject([{ kind: 'incompatible', reasons: [expect.stringContaining('$.note')] }]);
    expect(readFileSync(join(directory, 'shop.placed.v1.json'), 'utf8')).toBe(before);
  });

  it('of a message that is gone are reported: old messages may still lie in a topic', () => {
    writeSchemaFiles([first, ship], directory);
    expect(compareSchemaFiles([first], directory).map((d) => [d.file, d.kind])).toEqual([
      ['shop.ship.v1.json', 'orphan'],
      ['shop.ship.v1.reply.json', 'orphan'],
    ]);
  });

  it('let readers meet fields they do not know', () => {
    writeSchemaFiles([first], directory);
    expect(readFileSync(join(directory, 'shop.placed.v1.json'), 'utf8')).not.toContain('additionalProperties');
  });
});
