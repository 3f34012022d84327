import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import './ops/ops.errors.js';
import './platform.errors.js';
import { errorTable } from './problem.js';

const root = join(__dirname, '../../..');
const file = join(root, 'docs/errors.md');
const START = '<!-- table -->\n';

/** Every `*.errors.ts` of every service: loading one declares its codes. */
function errorFiles(): string[] {
  return readdirSync(join(root, 'apps')).flatMap((app) => {
    const source = join(root, 'apps', app, 'src');
    if (!existsSync(source)) return [];
    return readdirSync(source)
      .filter((name) => name.endsWith('.errors.ts'))
      .map((name) => join(source, name));
  });
}

it('docs/errors.md has every code of every service: UPDATE_DOCS=1 writes it again', async () => {
  for (const path of errorFiles()) await import(path);
  const text = readFileSync(file, 'utf8');
  const head = text.slice(0, text.indexOf(START) + START.length);
  const wanted = `${head}\n${errorTable()}\n`;
  if (process.env['UPDATE_DOCS']) writeFileSync(file, wanted);
  expect(readFileSync(file, 'utf8')).toBe(wanted);
});
