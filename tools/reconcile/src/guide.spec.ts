import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kindCodes, kinds, type Kind } from './kinds.js';

const guide = readFileSync(join(__dirname, '../../../docs/guides/reconciliation.md'), 'utf8');

it('docs/guides/reconciliation.md lists every kind as the code has it', () => {
  const rows = kindCodes.map((code) => {
    const { severity, says, repair, escalates }: Kind = kinds[code];
    return `| \`${code}\` | ${severity} | ${says} | ${repair ?? '–'} | ${escalates} |`;
  });
  const table = guide.split('\n').filter((line) => /^\| `[A-Z_]+` \|/.test(line));
  expect(table).toEqual(rows);
});
