import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { buildVersion, versions } from './upgrade.js';

const names = Object.keys(versions) as (keyof typeof versions)[];

it.each(names)(
  '%s fits the app as it is now',
  (name) => {
    expect(readFileSync(buildVersion(name), 'utf8')).toContain('bootstrapService');
  },
  60_000,
);

it.each(['order-next', 'order-last'])('%s has every controller, provider and migration of the app as it is now', (layer) => {
  const names = (folder: string) =>
    [...readFileSync(join(workspaceRoot(), folder, 'src/order.module.ts'), 'utf8').matchAll(/^import \{ (\w+) \}/gm)].map(
      ([, name]) => name,
    );
  expect(names(`e2e/upgrade/${layer}`)).toEqual(expect.arrayContaining(names('apps/order')));
});

describe.each(['changing-a-saga', 'changing-an-event', 'changing-a-table'])('the guide %s', (guide) => {
  const guides = join(workspaceRoot(), 'docs/guides');
  const text = readFileSync(join(guides, `${guide}.md`), 'utf8');
  // A block of code follows the link to the file that it is quoted from.
  const quotes = [...text.matchAll(/\]\((\.\.\/\.\.\/[^)]+\.ts)\):\n\n *```ts\n(.*?)```/gs)].map(([, file, code]) => ({
    file: file!,
    code: code!,
  }));

  it('quotes every piece of its code from a file that is compiled and run', () => {
    expect(quotes).toHaveLength(text.match(/```ts/g)?.length ?? 0);
    const lines = (code: string) =>
      code
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean)
        .join('\n');
    for (const { file, code } of quotes) expect(lines(readFileSync(join(guides, file), 'utf8'))).toContain(lines(code));
  });
});
