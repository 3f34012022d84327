import type { Goals } from './experiment.js';
import type { OrderEnd } from './load.js';
import { measure } from './measure.js';
import { plot } from './plot.js';
import { goalsOf, report } from './report.js';
import { asExpected, type Run } from './results.js';
import { type Audit, judge, type Trial, unnoticed } from './verdict.js';

const goals: Goals = {
  recovery: 4_000,
  sagas: 15_000,
  lost: 0,
  confirmed: 'all',
  restarts: 'none',
  primaries: 1,
  failed: 'refused',
  failovers: 0,
};
const FAULT = 100_000;
const window = { startedAt: FAULT - 3_000, faultAt: FAULT, endedAt: FAULT + 10_000 };
const every = (ms: number, from: number, to: number) => Array.from({ length: Math.floor((to - from) / ms) + 1 }, (_, n) => from + n * ms);
const checkout = (at: number) => ({ orderId: `order-${at}`, asked: at - 40, at });
const write = (at: number, timeline: number) => ({ n: at, node: `postgres-${timeline}`, timeline, asked: at - 5, at });
const ended = ({ orderId, at }: ReturnType<typeof checkout>): OrderEnd => ({
  orderId,
  status: 'CONFIRMED',
  acceptedAt: at,
  endedAt: at + 400,
});

/** A primary that dies at FAULT, and another one that acknowledges from 1.5 s on. */
function seen() {
  const acknowledged = [...every(200, FAULT - 3_000, FAULT), ...every(200, FAULT + 1_500, FAULT + 10_000)].map(checkout);
  const writes = [
    ...every(50, FAULT - 3_000, FAULT).map((at) => write(at, 1)),
    ...every(50, FAULT + 1_200, FAULT + 10_000).map((at) => write(at, 2)),
  ];
  const failures = [{ at: FAULT + 500, kind: 'PUT /cart/items 503 UNAVAILABLE', polite: true, unsafe: false }];
  return {
    acknowledged,
    writes,
    ends: acknowledged.map(ended),
    failures,
    unserved: [] as number[],
    resent: [FAULT - 60_000, FAULT + 10, FAULT + 20],
  };
}
const trialOf = (over: Partial<ReturnType<typeof seen>> = {}, facts: Partial<Trial> = {}): Trial => ({
  ...{ trial: 1, at: '2026-01-01T00:00:00Z', targets: ['postgres-1'], restarted: [], failovers: 0, back: 2_000 },
  ...{ coordinates: [], notes: [], violated: { 'orders do not end': 1_250 } },
  ...measure(window, { ...seen(), ...over }),
  ...facts,
});
const clean: Audit = { differences: [], lostWrites: 0, leftOut: 0 };
const missed = (trial: Trial, audit = clean) => judge(goals, [trial], audit).map(({ goal }) => goal);

it('measures from the fault to what was asked for after it', () => {
  const { acknowledged } = seen();
  // Acknowledged just after the fault, but asked for before it: it says nothing of the new primary.
  acknowledged.push({ orderId: 'late', asked: FAULT - 30, at: FAULT + 20 });
  expect(trialOf({ acknowledged })).toMatchObject({ recovery: 1_500, gap: 1_480, writer: 1_200, sagas: 400, backwards: 0 });
  expect(missed(trialOf({ acknowledged }))).toEqual([]);
});

const planted: [string, () => [Trial, Audit?], string][] = [
  [
    'a recovery that is late',
    () => [trialOf({ acknowledged: seen().acknowledged.filter(({ at }) => at < FAULT || at > FAULT + 4_100) })],
    'recovery',
  ],
  [
    'a recovery that does not last',
    () => [trialOf({ acknowledged: seen().acknowledged.filter(({ at }) => at < FAULT + 4_000 || at > FAULT + 9_000) })],
    'recovery',
  ],
  ['no recovery at all', () => [trialOf({ acknowledged: seen().acknowledged.filter(({ at }) => at < FAULT) })], 'recovery'],
  [
    'an order that waited too long',
    () => [trialOf({ ends: [{ orderId: 'o', status: 'CONFIRMED', acceptedAt: FAULT - 1_000, endedAt: FAULT + 15_001 }] })],
    'sagas',
  ],
  ['an order that never ended', () => [trialOf({ ends: [{ orderId: 'o', status: 'PENDING', acceptedAt: FAULT }] })], 'sagas'],
  ['a lost order', () => [trialOf(), { ...clean, differences: ['order 1: accepted, and not there'] }], 'lost'],
  ['a lost row', () => [trialOf(), { ...clean, lostWrites: 1 }], 'lost'],
  ['an order the outage has rejected', () => [trialOf(), { ...clean, differences: ['order 1: REJECTED (TIMED_OUT)'] }], 'confirmed'],
  ['a container that was restarted', () => [trialOf({}, { restarted: ['cart-2'] })], 'restarts'],
  ['an old primary that still acknowledges', () => [trialOf({ writes: [...seen().writes, write(FAULT + 5_000, 1)] })], 'primaries'],
  [
    'a request that was reset',
    () => [trialOf({ failures: [{ at: FAULT, kind: 'GET no answer', polite: false, unsafe: false }] })],
    'failed',
  ],
  ['a failover nobody needed', () => [trialOf({}, { failovers: 1 })], 'failovers'],
  ['a cluster that stays broken', () => [trialOf({}, { back: undefined as never })], 'steady state'],
  ['a failover that may have been', () => [trialOf({}, { failovers: undefined as never })], 'failovers'],
  ['a load that found no buyers', () => [trialOf({ unserved: every(500, FAULT, FAULT + 5_000) })], 'load'],
  ['a bare writer that wrote nothing', () => [trialOf({ writes: [] })], 'writer'],
  ['a bare writer that fell silent', () => [trialOf({ writes: seen().writes.filter(({ at }) => at < FAULT) })], 'writer'],
  ['a bare writer that died', () => [trialOf(), { ...clean, writerEnded: 'ended with 137' }], 'writer'],
  [
    'a row acknowledged inside a primary that was cut off',
    () => [trialOf({ writes: [...seen().writes, { ...write(FAULT + 5_000, 1), n: -1 }] })],
    'primaries',
  ],
  ['a load that was not there', () => [trialOf(), { ...clean, leftOut: 3 }], 'load'],
];
it.each(planted)('finds %s', (_, plant, goal) => {
  expect(missed(...plant())).toContain(goal);
});

it('asks for no failure at all where another could have answered, and lets pass what nobody else may repeat', () => {
  const strict: Goals = { failed: 'none' };
  expect(judge(strict, [trialOf()], clean)).toHaveLength(1);
  const failures = [{ at: FAULT, kind: 'POST /cart/checkout 503 OUTCOME_UNKNOWN', polite: true, unsafe: true }];
  expect(judge(strict, [trialOf({ failures })], clean)).toEqual([]);
});

it('a few turns that found nobody are said beside what they may explain, and are no miss of their own', () => {
  const late = seen().acknowledged.filter(({ at }) => at < FAULT || at > FAULT + 4_100);
  const misses = judge(goals, [trialOf({ acknowledged: late, unserved: [FAULT + 3_000, FAULT + 3_200] })], clean);
  expect(misses).toEqual([{ goal: 'recovery', why: expect.stringContaining('2 turns found no free buyer') }]);
});

it('what is asked for inside a server says nothing of the bare writer', () => {
  const inside = every(100, FAULT + 100, FAULT + 5_000).map((at) => ({ ...write(at, 1), n: -at }));
  expect(trialOf({ writes: inside })).toMatchObject({ rows: 0 });
  expect(trialOf({ writes: inside })).not.toHaveProperty('writer');
});

it('sagas may wait longer where their coordinator was taken away', () => {
  const ends: OrderEnd[] = [{ orderId: 'o', status: 'CONFIRMED', acceptedAt: FAULT, endedAt: FAULT + 20_000 }];
  const both: Goals = { sagas: 15_000, sagasWhenCoordinator: 30_000 };
  expect(judge(both, [trialOf({ ends })], clean)).toHaveLength(1);
  expect(judge(both, [trialOf({ ends }, { coordinates: ['order'] })], clean)).toEqual([]);
  expect(judge({ sagas: 15_000 }, [trialOf({ ends }, { coordinates: ['order'] })], clean)).toHaveLength(1);
  expect(goalsOf(both)).toBe('sagas ≤ 15.0 s (30.0 s for a coordinator)');
});

describe('without its safeguard', () => {
  const run = (misses: Run['misses']): Run => ({
    ...{
      experiment: 'kill-primary',
      title: 'A & B <killed>',
      at: '2026-01-01T00:00:00Z',
      goals,
      load: { rate: 6, buyers: 60 },
      accepted: 90,
      written: 900,
    },
    machine: { cores: 2, cpu: 'a cpu', memoryGb: 8, versions: { Node: '24.0.0' }, standIns: ['haproxy:3.0'] },
    loadBefore: 1.5,
    ...{ trials: [trialOf()], audit: clean, misses },
    without: { name: 'failover', what: 'somebody takes over', unnoticed: unnoticed(['recovery', 'lost'], misses) },
  });

  it('a drill has to miss all that it says it would', () => {
    expect(asExpected(run([{ goal: 'recovery', why: 'late' }, { goal: 'lost', why: 'gone' }]))).toBe(true); // prettier-ignore
    const blind = run([{ goal: 'recovery', why: 'late' }]);
    expect(asExpected(blind)).toBe(false);
    expect(report([blind], new Map())).toContain('**no**: lost held');
  });

  it('the report says under which load, of which code, and what was sent again', () => {
    const one = run([{ goal: 'recovery', why: 'late' }]);
    const { resent: _, ...old } = trialOf();
    const code = { commit: '0a1b2c3+changes', date: '2026-01-01T09:00:00+01:00' };
    const declared = { goals, method: [], trials: 2 };
    const said = new Map([['kill-primary', { ...declared, load: { rate: 9, buyers: 300 } }]]);
    const page = report([{ ...one, machine: { ...one.machine, code } }], said);
    expect(page).toContain('- code: 0a1b2c3+changes of 2026-01-01\n- 6 checkouts a second asked for (the experiment says 9), by 60 buyers');
    expect(page).toContain('- lost at a gateway and sent again: 2\n');
    const { without: __, ...kept } = { ...one, trials: [trialOf(), old] };
    expect(report([kept], said)).toContain('| 2 | 6/s (9) | ');
    const same = report([kept], new Map([['kill-primary', { ...declared, load: one.load }]]));
    for (const text of ['| 2 | 6/s | ', '- code: –\n- 6 checkouts a second asked for, by', 'sent again: –\n']) expect(same).toContain(text);
  });

  it('the report says where, on what, and with which goals', () => {
    const page = report([run([{ goal: 'recovery', why: 'late' }])], new Map());
    for (const text of ['stand-ins', 'haproxy:3.0', 'Node 24.0.0', goalsOf(goals), 'recovery ≤ 4.00 s']) expect(page).toContain(text);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(page).toContain('| orders 1.25 s |');
    const svg = plot([run([])], 'A <drill> & more');
    expect(svg).toContain('A &lt;drill> &amp; more');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});
