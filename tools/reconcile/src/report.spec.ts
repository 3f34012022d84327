import type { Outcome, Reported } from './run.js';
import { money, report } from './report.js';

const outcome = (differences: Reported[] = []): Outcome => ({
  ...{
    cutOff: '2026-11-27T12:00:00.000Z',
    scope: 'changed',
    judged: 41,
    inMotion: 2,
    onTheirWay: 0,
    durationMs: 1_234,
    differences,
    resolved: [],
  },
});
const found = (more: Partial<Reported> & Pick<Reported, 'kind' | 'subject'>): Reported => ({
  ...{ detail: 'the books disagree', severity: 'page', action: 'escalate', firstSeen: new Date(Date.now() - 600_000).toISOString() },
  ...more,
});

it('says in two lines that all is well, and how much that is', () => {
  expect(report(outcome(), { repair: false }).split('\n')).toEqual([
    '✔ No difference: orders, stock, payments, ledger and the processor’s settlement agree',
    '  41 orders compared, 2 still in motion, what changed; 1.2 s',
  ]);
});

it('says what waits for a message', () => {
  expect(report({ ...outcome(), onTheirWay: 3 }, { repair: false })).toContain('2 still in motion, 3 waiting for a message, what changed');
});

it('has a line a kind with what is at stake in each currency, how old it is and what is done', () => {
  const lines = report(
    outcome([
      found({ kind: 'CAPTURED_TWICE', subject: 'p1', amount: { amount: 1_050, currency: 'EUR' } }),
      found({ kind: 'CAPTURED_TWICE', subject: 'p2', amount: { amount: 700, currency: 'JPY' } }),
      found({ kind: 'LEDGER_ENTRY_MISSING', subject: 'p3', action: 'repair', repaired: 'done', amount: { amount: 5, currency: 'EUR' } }),
    ]),
    { repair: true },
  ).split('\n');
  expect(lines.slice(0, 5)).toEqual([
    '✖ 3 differences of 2 kinds',
    '',
    'kind                  count             at stake  oldest  action',
    'CAPTURED_TWICE            2  EUR 10.50 + JPY 700  10 min  2 for a person',
    'LEDGER_ENTRY_MISSING      1             EUR 0.05  10 min  1 repaired',
  ]);
  expect(lines).toContain('    p1  the books disagree');
  expect(lines).toContain('    p3  the books disagree  → repair done');
});

it('says how to have it repaired', () => {
  const repairable = found({ kind: 'LEDGER_ENTRY_MISSING', subject: 'p3', action: 'repair' });
  expect(report(outcome([repairable]), { repair: false })).toContain('1 to be repaired: --repair');
});

it('shows money with the decimals of its currency, and what is none as it is', () => {
  expect([money(1_050, 'EUR'), money(1_050, 'JPY'), money(1_050, 'KWD'), money(5, '')]).toEqual([
    'EUR 10.50',
    'JPY 1,050',
    'KWD 1.050',
    '5 ',
  ]);
});
