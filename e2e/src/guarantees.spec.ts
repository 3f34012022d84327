import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const docs = join(__dirname, '..', '..', 'docs');
const rows = readFileSync(join(docs, 'guarantees.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| (?!what goes wrong|---)/.test(line))
  .map((line) => line.split(' | '));
const links = (cell: string) => [...cell.matchAll(/\[(.+?)\]\(([^)]+)\)/g)].map(([, name, file]) => [name!, file!] as const);

it('has a safeguard and a test for each way to fail', () => {
  expect(rows.length).toBeGreaterThan(20);
  for (const [bad, safeguard, tests] of rows)
    expect({ bad, safeguards: links(safeguard!).length, tests: links(tests!).length > 0 }).toEqual({ bad, safeguards: 1, tests: true });
});

it.each(rows.flatMap(([, safeguard]) => links(safeguard!)))('links to the safeguard "%s"', (_, file) => {
  expect(existsSync(join(docs, file))).toBe(true);
});

it.each(rows.flatMap(([, , tests]) => links(tests!)))('names the test "%s" as it is called', (name, file) => {
  expect(readFileSync(join(docs, file), 'utf8')).toMatch(
    new RegExp(`(it|describe)(\\.\\w+)?[^;]{0,4000}?'${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}'`, 's'),
  );
});
