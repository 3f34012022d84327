import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { paced } from './pace.js';
import { readExperiments } from './parse.js';

const experiments = readExperiments(join(workspaceRoot(), 'infra', 'chaos'));
const one = { ...experiments.get('kill-primary')!, load: { rate: 1, buyers: 120 } };

it.each([
  [undefined, { rate: 1, buyers: 120 }],
  [0.5, { rate: 0.5, buyers: 60 }],
  [2, { rate: 2, buyers: 240 }],
  [6, { rate: 6, buyers: 300 }],
])('at a rate of %s there are as many buyers as it needs', (rate, load) => {
  const { load: _, ...rest } = one;
  expect(paced(one, rate)).toEqual({ ...rest, load });
});

it('every experiment has buyers for the longest stall that its goals allow', () => {
  for (const { name, load, goals } of experiments.values()) {
    const stall = Math.max(0, goals.recovery ?? 0, goals.sagas ?? 0, goals.sagasWhenCoordinator ?? 0) / 1000;
    expect([name, load.buyers >= load.rate * (stall + 60)]).toEqual([name, true]);
  }
});
