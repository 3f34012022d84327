import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAILPOINTS } from '@ballast/resilience';
import { workspaceRoot } from '@ballast/testing';
import { parseMatrix } from './crash-matrix.options.js';
import { whyNotPublished } from './crash-matrix.page.js';
import { armedAs, dealt, POINTS, titleOf } from './crash-matrix.points.js';
import { Random } from './crash-matrix.random.js';

const sources = [
  ...['relay', 'inbox', 'intent.worker'].map((file) => `libs/messaging/src/${file}.ts`),
  ...['libs/saga/src/runtime.ts', 'libs/service/src/idempotency.ts', 'apps/psp/src/psp.service.ts'],
].map((file) => readFileSync(join(workspaceRoot(), file), 'utf8'));

it.each(FAILPOINTS)('%s is in the code, and in the matrix', (name) => {
  expect(sources.filter((source) => source.includes(`failpoint('${name}'`))).toHaveLength(1);
  expect(POINTS.some((point) => point.name === name)).toBe(true);
});

it('arms a point as the failpoint reads it', () => {
  expect(armedAs({ service: 'order', name: 'saga.step.before', where: 'reserve stock', hits: 2, action: 'kill' }, 2)).toBe(
    'saga.step.before[reserve stock]=kill@2',
  );
});

it('draws the same from the same seed', () => {
  const draw = (seed: number) => new Random(seed).shuffled(POINTS);
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(new Set(draw(7)).size).toBe(POINTS.length);
});

it('deals every point to one of four seeds in a row, and each seed some of nearly every service', () => {
  const parts = [8, 9, 10, 11].map((seed) => dealt(POINTS, seed, 4));
  expect(parts.flat().map(titleOf).sort()).toEqual(POINTS.map(titleOf).sort());
  for (const part of parts) {
    expect(new Set(part.map(({ service }) => service)).size).toBeGreaterThanOrEqual(4);
    expect(Math.abs(part.length - POINTS.length / 4)).toBeLessThan(2);
  }
  expect(dealt(POINTS, 12, 4)).not.toEqual(parts[0]);
  expect(dealt(POINTS, 9, 1)).toHaveLength(POINTS.length);
});

it('takes points by their name, and all of a service', () => {
  expect(parseMatrix(['--points', 'relay.sent', '--seeds', '2', '--seed', '5', '--out', 'none'])).toMatchObject({
    seeds: [5, 6],
    points: ['cart', 'inventory', 'order', 'payment'].map((service) => ({ service, name: 'relay.sent' })),
    out: undefined,
  });
  expect(parseMatrix(['--points', 'psp'])).toMatchObject({ parts: 1, points: Array(4).fill({ service: 'psp' }) });
  expect(parseMatrix([])).toMatchObject({ parts: 4, atOnce: 2, slack: 1, points: POINTS });
  const named = ['order/saga.step.after[capture payment]', 'inventory/inbox.applied=stop', 'payment/inbox.applied'];
  expect(parseMatrix(['--points', named.join(',')])).toMatchObject({
    points: [
      { service: 'payment', action: 'kill' },
      { name: 'saga.step.after', where: 'capture payment' },
      { service: 'inventory', action: 'stop' },
    ],
  });
});

const folder = mkdtempSync(join(tmpdir(), 'crash-matrix-'));
const hook = join(folder, 'module.mjs');
beforeAll(() => writeFileSync(hook, ''));
afterAll(() => rmSync(folder, { recursive: true }));

it('takes a module, a file for the report, and offsets as npm start does', () => {
  const out = join(folder, 'report.md');
  expect(parseMatrix(['--without', hook, '--out', out, '--port-offset', '48849', '--slack', '1.5'])).toMatchObject({
    ...{ without: hook, out, portOffset: 48_849, slack: 1.5, page: false },
  });
  expect(parseMatrix([])).toMatchObject({ portOffset: 22_000, page: true });
  expect(parseMatrix(['--out', 'none'])).toMatchObject({ page: false });
});

it.each([
  [['--points', 'relay.gone'], 'there is no point "relay.gone": one of cart, idempotency.kept'],
  [['--seeds', '0'], '--seeds must be a whole number from 1, not "0"'],
  [['--rate', 'fast'], '--rate must be a number above 0, not "fast"'],
  [['--slack', '0.5'], '--slack must be a number from 1, not "0.5"'],
  [['--slack', 'much'], '--slack must be a number from 1, not "much"'],
  [['--port-offset', '48850'], '--port-offset must be a whole number from 0 to 48849, not "48850"'],
  [['--port-offset=-1'], '--port-offset must be a whole number from 0 to 48849, not "-1"'],
  [['--without', '/nowhere/module.mjs'], '--without: there is no file /nowhere/module.mjs'],
  [['--without', ''], '--without: there is no file '],
  [['--out', '/nowhere/at/all/report.md'], '--out: there is no directory /nowhere/at/all'],
  [['--out', tmpdir()], `--out must be a file, not "${tmpdir()}"`],
  [['--speed', '1'], "Unknown option '--speed'; see --help"],
])('names the mistake in %j', (args, message) => {
  expect(() => parseMatrix(args)).toThrow(message);
});

describe('the published page', () => {
  const asked = (...args: string[]) => parseMatrix(args) as Exclude<ReturnType<typeof parseMatrix>, 'help'>;

  it('is written by a whole run', () => {
    expect(whyNotPublished(asked(), false)).toEqual([]);
    expect(whyNotPublished(asked('--seeds', '40', '--seed', '4', '--port-offset', '100'), false)).toEqual([]);
  });

  it.each([
    [['--seeds', '19'], 'it had fewer than 20 seeds'],
    [['--points', 'relay.sent'], `it was of 4 of ${POINTS.length} points`],
    [['--at-once', '3'], '--at-once was 3, not 2'],
    [['--rate', '1'], '--rate was 1, not 3'],
    [['--slack', '2'], '--slack was 2, not 1'],
    [['--without', hook], `${hook} took a safeguard away`],
  ])('is left as it is by %j', (args, why) => {
    expect(whyNotPublished(asked(...args), false)).toEqual([why]);
  });

  it('is left as it is by a run that was ended', () => {
    expect(whyNotPublished(asked(), true)).toEqual(['the run was ended before its time']);
  });
});
