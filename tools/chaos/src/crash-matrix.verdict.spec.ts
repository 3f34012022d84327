import type { Origin } from './crash-matrix.origin.js';
import { matrixReport, recovery } from './crash-matrix.report.js';
import type { Recovered, SeedResult } from './crash-matrix.run.js';
import { complaints } from './crash-matrix.verdict.js';

const POINT = 'order: relay.sent';
const kill = (rest: Partial<Recovered>): Recovered => ({ point: POINT, reached: true, at: 1_000, ...rest });
const result = (...faults: Recovered[]): SeedResult => ({
  ...{ seed: 7, accepted: 9, confirmed: 6, rejected: 3, refunds: 2, seconds: 60, waited: 1.5 },
  ...{ faults, findings: [] },
});
const well = () =>
  result(kill({ recovery: 10_000 }), kill({ killedAgain: 3_500 }), { point: 'order: outbox.committed, paused', reached: true });
const origin: Origin = { date: '2026-11-30', commit: 'abc1234+changes', versions: 'Node 24.0.0, kafkajs 2.2.4', cores: 2, cpu: 'Xeon' };
const reportOf = (each: SeedResult) => matrixReport([each], { rate: 3, atOnce: 2, origin });

it('has nothing to say of a run in which all went well', () => {
  expect(complaints([well()], [POINT])).toEqual([]);
  expect(reportOf(well())).not.toContain('What was found');
});

it('is red for a service that worked again after more than 10 s', () => {
  const late = result(kill({ recovery: 9_000 }), kill({ recovery: 10_001 }));
  const line = 'late: order: relay.sent (seed 7): worked again after 10.0 s, not within 10 s';
  expect(complaints([late], [POINT])).toEqual([line]);
  expect(complaints([late], [POINT], 2)).toEqual([]); // where nobody knows how fast the machine is
  expect(reportOf(late)).toContain(`- ${line}`);
});

it('is red for what was found, and for a point that was not reached', () => {
  const found = { ...well(), findings: [{ kind: 'lost' as const, what: 'order o1: accepted, and not there' }] };
  expect(complaints([found], [POINT, 'cart: relay.sent', 'cart: relay.sent'])).toEqual([
    'lost: order o1: accepted, and not there',
    'never reached: cart: relay.sent',
  ]);
});

it('tells how many kills were not measured, and how soon the next one came', () => {
  expect(recovery([well()])).toContain('0 of 1 took longer than 10 s. 1 kills were not measured');
  expect(recovery([well()])).toContain('(the next kill 2.5 s later at most)');
  expect(reportOf(well())).toContain(recovery([well()]));
});

it('tells when and from what the report was written', () => {
  expect(reportOf(well())).toContain(
    'on 2026-11-30 by `npm run chaos -- crash-matrix` of commit `abc1234+changes`, with Node 24.0.0, kafkajs 2.2.4',
  );
});

it('tells the arguments as they were given, how much of the run there was, and what it allowed', () => {
  const args = ['--seeds', '3', '--points', 'order/saga.step.after[capture payment]', '--slack', '2'];
  const late = result(kill({ recovery: 15_000 }));
  const page = matrixReport([late], { rate: 3, atOnce: 2, origin, args, seeds: 3, slack: 2 });
  expect(page).toContain("by `npm run chaos -- crash-matrix --seeds 3 --points 'order/saga.step.after[capture payment]' --slack 2` of");
  expect(page).toContain('\nOf 3 seeds the run ended after 1.\n');
  expect(page).toContain('*Late* are those over 10 s: one over 20 s is enough');
  expect(page).not.toContain('What was found');
  expect(reportOf(late)).not.toContain('seeds the run ended');
});
