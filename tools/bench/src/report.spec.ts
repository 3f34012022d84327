import type { Measure, Result } from './figures.js';
import { report } from './report.js';

const machine = { cores: 2, cpu: 'CPU', memoryGb: 24, loadBefore: 0.5, fdatasyncs: 10_000, versions: 'Node' };
const measure: Measure = {
  what: 'sent',
  unit: '/s',
  ours: { name: 'relay', values: [80] },
  theirs: { name: 'raw', values: [100] },
  goal: { is: 'at least', bound: 0.8 },
};
const page = (...measures: Measure[]): string => {
  const result: Result = { name: 'outbox', about: 'What is sent.', measures, curves: [], notes: [], lost: 0, seconds: 1 };
  return report({ machine, date: '2026-01-01', rounds: 7, result });
};
const missed: Measure = { ...measure, goal: { is: 'at least', bound: 0.9 } };

it('says where a missed goal is explained, once, below the figures', () => {
  const text = page(measure, missed, missed);
  expect(text.match(/Why a goal is missed/g)).toHaveLength(1);
  expect(text).toMatch(/same machine\.\n\nWhy a goal is missed: \[0026\]\(\.\.\/adr\/0026-benchmarks\.md\)\.\n\n\| \| \|/);
});

it('says nothing of it where every goal is met, or there is none', () => {
  const { goal: _, ...goalless } = measure;
  expect(page(measure, goalless)).not.toMatch(/missed/);
});
