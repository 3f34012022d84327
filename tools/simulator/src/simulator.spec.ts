import { execFileSync } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { createLogger } from '@ballast/tracing';
import { mutations } from './mutations.js';
import { run, type Outcome } from './run.js';
import { plan } from './scenario.js';
import { shrink } from './shrink.js';
import { describe as inWords, timeline } from './timeline.js';
import { faultKinds } from './weather.js';

const ORDERS = 12;

jest.setTimeout(120_000);
beforeAll(() => {
  createLogger({ service: 'simulator', level: 'silent' });
  setMaxListeners(0);
});

const scenario = (seed: number, orders = ORDERS) => plan(seed, { orders, faults: faultKinds });

it('keeps every promise, whatever goes wrong: 20 seeds', async () => {
  const broken: unknown[] = [];
  const struck = new Set<string>();
  const ends = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const outcome = await run(scenario(seed));
    if (outcome.violations.length) broken.push({ seed, violations: outcome.violations });
    for (const kind of outcome.struck.keys()) struck.add(kind);
    for (const end of Object.keys(outcome.ends)) ends.add(end);
  }
  expect(broken).toEqual([]);
  // Else the seeds would show nothing: nearly every kind of fault struck, and orders ended in every way.
  expect(struck.size).toBeGreaterThan(faultKinds.length - 4);
  expect([...ends].sort()).toEqual(
    expect.arrayContaining([
      'CONFIRMED',
      'REJECTED INSUFFICIENT_FUNDS',
      'REJECTED OUT_OF_STOCK',
      'REJECTED PAYMENT_DECLINED',
      'REJECTED TIMED_OUT',
    ]),
  );
});

it('without faults confirms what can be confirmed, and lets nothing wait', async () => {
  const outcome = await run(plan(7, { orders: 30, faults: [] }));
  expect(outcome.violations).toEqual([]);
  expect(outcome.struck.size).toBe(0);
});

describe('a seed', () => {
  it('goes the same way again, after others and in another process, to the byte', async () => {
    const first = await run(scenario(3));
    await run(scenario(4));
    const again = await run(scenario(3));
    expect(again.digest).toBe(first.digest);
    expect((await run(scenario(4))).digest).not.toBe(first.digest);
    const command = [join(workspaceRoot(), 'tools/simulator/dist/simulate.js'), '--seed', '3', '--orders', String(ORDERS)];
    const other = execFileSync(process.execPath, command, { encoding: 'utf8' });
    // A difference here alone may mean that `dist` is older than the sources: npm run typecheck compiles.
    expect(/^digest (\S+)$/m.exec(other)?.[1]).toBe(first.digest);
  });

  it('that breaks a promise is told in its smallest form', async () => {
    const { seams } = mutations['stock-not-checked']!;
    const runs = (s: Outcome['scenario']) => run(s, { seams, verbose: true });
    let failed: Outcome | undefined;
    for (let seed = 1; !failed?.violations.length; seed++) failed = await runs(scenario(seed));
    const { check } = failed.violations[0]!;
    const smallest = await shrink(failed, check, runs);
    expect(smallest.violations.map((each) => each.check)).toContain(check);
    expect(smallest.scenario.orders.length).toBeLessThan(failed.scenario.orders.length);
    expect(smallest.scenario.faults.length).toBeLessThanOrEqual(failed.scenario.faults.length);
    expect(inWords(smallest)).toHaveLength(1 + smallest.scenario.orders.length + smallest.scenario.faults.length);
    expect(timeline(smallest).join('\n')).toContain('handles inventory.reserve-stock.v1');
  });
});
