import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILPOINTS } from '@ballast/resilience';
import { workspaceRoot } from '@ballast/testing';
import { parseMatrix } from './crash-matrix.js';
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

it.each([
  [['--points', 'relay.gone'], 'there is no point "relay.gone": one of cart, idempotency.kept'],
  [['--seeds', '0'], '--seeds must be a whole number from 1, not "0"'],
  [['--rate', 'fast'], '--rate must be a number above 0, not "fast"'],
  [['--speed', '1'], "Unknown option '--speed'; see --help"],
])('names the mistake in %j', (args, message) => {
  expect(() => parseMatrix(args)).toThrow(message);
});
