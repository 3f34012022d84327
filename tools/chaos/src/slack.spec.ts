import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { readExperiments } from './parse.js';
import { relaxed } from './slack.js';

const experiment = readExperiments(join(workspaceRoot(), 'infra', 'chaos')).get('kafka-leader')!;

it('gives times more room, and nothing else', () => {
  const { goals, steadyState, ...rest } = relaxed(experiment, 4);
  const { goals: asked, steadyState: held, ...own } = experiment;
  expect(rest).toEqual(own);
  expect(goals).toEqual({
    ...asked,
    recovery: 4 * asked.recovery!,
    sagas: 4 * asked.sagas!,
    sagasWhenCoordinator: 4 * asked.sagasWhenCoordinator!,
  });
  expect(steadyState).toEqual({ ...held, checkouts: 4 * held.checkouts, orders: 4 * held.orders, back: 4 * held.back });
});

it('changes nothing where none is asked for', () => {
  expect(relaxed(experiment)).toEqual(experiment);
});
