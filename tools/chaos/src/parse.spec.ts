import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { parseExperiment, readExperiments } from './parse.js';

const GOOD = `
title: A broker is killed
trials: 2
load: { rate: 4, buyers: 10 }
steadyState: { containers: healthy, kafka: whole, checkouts: 3s, orders: 15s, back: 2m }
method:
  - kill: kafka leader of order.replies
  - wait: 500ms
rollback:
  - start: kafka leader of order.replies
goals: { sagas: 15s, lost: 0, failed: none }
safeguards:
  copies: { what: others have it too, off: [{ kill: another kafka broker }], red: [sagas] }
`;

it('reads an experiment, times in milliseconds', () => {
  expect(parseExperiment('infra/chaos/broker.yml', GOOD)).toEqual({
    name: 'broker',
    title: 'A broker is killed',
    trials: 2,
    load: { rate: 4, buyers: 10 },
    steadyState: { containers: 'healthy', kafka: 'whole', checkouts: 3_000, orders: 15_000, back: 120_000 },
    method: [{ do: 'kill', on: 'kafka leader of order.replies' }, { wait: 500 }],
    rollback: [{ undo: 'start', on: 'kafka leader of order.replies' }],
    goals: { sagas: 15_000, lost: 0, failed: 'none' },
    safeguards: { copies: { what: 'others have it too', off: [{ do: 'kill', on: 'another kafka broker' }], red: ['sagas'] } },
  });
});

it('reads faults that come at the same time, and asks for the way back of each', () => {
  const two = GOOD.replace(
    '- kill: kafka leader of order.replies',
    '- together:\n      - kill: kafka leader of order.replies\n      - pause: cart-1',
  );
  expect(() => parseExperiment('x.yml', two)).toThrow('rollback: "unpause: cart-1" is missing');
  const { method } = parseExperiment('x.yml', two.replace('rollback:', 'rollback:\n  - unpause: cart-1'));
  expect(method[0]).toEqual({
    together: [
      { do: 'kill', on: 'kafka leader of order.replies' },
      { do: 'pause', on: 'cart-1' },
    ],
  });
});

const SABOTAGE = '- sabotage: { services: [cart-1, cart-2], module: last-first }';
const off = (sabotage: string) => GOOD.replace('off: [{ kill: another kafka broker }]', `off: [{ sabotage: { ${sabotage} } }]`);

it('reads which code of which instances is taken away', () => {
  const { safeguards } = parseExperiment('x.yml', off('services: [cart-1, cart-2], module: last-first'));
  expect(safeguards['copies']?.off).toEqual([{ sabotage: 'last-first', services: ['cart-1', 'cart-2'] }]);
});

it.each([
  ['no YAML', 'title: [', 'bad.yml is no YAML'],
  ['an unknown field', `${GOOD}\nextra: 1`, 'extra'],
  ['a time without a unit', GOOD.replace('sagas: 15s', 'sagas: "15"'), 'goals.sagas: "15" is no time'],
  ['a loss that is allowed', GOOD.replace('lost: 0', 'lost: 1'), 'goals.lost'],
  ['an unknown action', GOOD.replace('kill: kafka leader', 'explode: kafka leader'), 'method.0: "explode" is no action'],
  [
    'an unknown target',
    GOOD.replace('- kill: kafka leader of order.replies', '- kill: The Moon'),
    'method.0: kill: "The Moon" is no target',
  ],
  ['a step of two actions', GOOD.replace('- wait: 500ms', '- { wait: 1s, kill: cart-1 }'), 'method.1: a step has one key'],
  [
    'a wait among faults',
    GOOD.replace('- wait: 500ms', '- together: [{ wait: 1s }, { kill: cart-1 }]'),
    'method.1: together: takes faults',
  ],
  [
    'a goal for coordinators alone',
    GOOD.replace('sagas: 15s', 'sagasWhenCoordinator: 15s').replace('red: [sagas]', 'red: [lost]'),
    'goals.sagasWhenCoordinator',
  ],
  ['a wait of no time', GOOD.replace('wait: 500ms', 'wait: long'), 'method.1: wait: "long" is no time'],
  ['no goal', GOOD.replace(/goals: .*/, 'goals: {}').replace('red: [sagas]', 'red: []'), 'goals: an experiment without a goal'],
  [
    'a rollback that forgets something',
    GOOD.replace('start: kafka leader of order.replies', 'wait: 1s'),
    'rollback: "start: kafka leader of order.replies" is missing',
  ],
  ['a safeguard whose goal is none', GOOD.replace('red: [sagas]', 'red: [recovery]'), 'safeguards.copies.red: recovery is no goal'],
  ['code taken away by a method', GOOD.replace('- wait: 500ms', SABOTAGE), 'method.1: sabotage belongs into a safeguard'],
  ['sabotage of nothing', off('services: [], module: last-first'), 'safeguards.copies.off.0: sabotage: wants { services'],
  ['sabotage of what is no service', off('services: [kafka-1], module: last-first'), 'sabotage: "kafka-1" is no instance of a service'],
  ['sabotage by no module', off('services: [cart-1], module: last'), 'sabotage: there is no tools/chaos/sabotage/last.mjs'],
  [
    'sabotage by a module from elsewhere',
    off('services: [cart-1], module: ../src/chaos'),
    'there is no tools/chaos/sabotage/../src/chaos.mjs',
  ],
  ['a throttle that stays', GOOD.replace('- wait: 500ms', '- throttle: cart-1'), 'rollback: "unthrottle: cart-1" is missing'],
  ['a method that rolls back', GOOD.replace('- wait: 500ms', '- start: cart-1'), 'method.1: start belongs into the rollback'],
])('refuses %s, naming the file and the field', (_, text, message) => {
  const read = () => parseExperiment('infra/chaos/bad.yml', text);
  expect(read).toThrow('infra/chaos/bad.yml');
  expect(read).toThrow(message);
});

it('reads every experiment of the repository', () => {
  const experiments = readExperiments(join(workspaceRoot(), 'infra', 'chaos'));
  expect(experiments.size).toBeGreaterThanOrEqual(15);
});

it('every experiment can be made to fail', () => {
  for (const { name, safeguards } of readExperiments(join(workspaceRoot(), 'infra', 'chaos')).values())
    expect([name, Object.keys(safeguards)]).toEqual([name, expect.arrayContaining([expect.any(String)])]);
});
