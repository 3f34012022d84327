import { setMaxListeners } from 'node:events';
import { createLogger } from '@ballast/tracing';
import { mutations } from './mutations.js';
import { run } from './run.js';
import { plan } from './scenario.js';
import { faultKinds } from './weather.js';

const ORDERS = 12;
/** How many seeds a planted bug may take to be found, when those that are known to find it no longer do. */
const SEEDS = 60;
/**
 * Seeds that find it, the quickest first. Another version of the code goes other ways, so they are only where the search begins:
 * whoever sees a bug take long writes down what `npm run simulate -- --mutate NAME --orders 12` names.
 */
const FOUND_IN: Readonly<Record<string, readonly number[]>> = {
  'inbox-says-always-fresh': [14, 22, 7],
  'inbox-row-outlives-a-rollback': [29, 21, 1],
  'offset-before-effect': [2, 21, 29],
  'dedup-by-offset': [7, 22, 19],
  'relay-removes-before-sending': [29, 15, 4],
  'relay-in-no-order': [14, 2, 21],
  'outage-counts-as-failure': [1, 12, 26],
  'intent-settled-twice': [14, 2, 22],
  'time-out-taken-for-declined': [22, 7, 14],
  'time-out-taken-for-success': [22, 7, 10],
  'refund-not-held-to-the-capture': [25, 29, 22],
  'stock-not-checked': [22, 14, 10],
  'idempotency-key-not-kept': [7, 22, 14],
  'partly-sent-taken-for-sent': [10, 12],
  'ids-before-the-lock': [14, 21, 5],
  'outbox-outside-of-the-transaction': [10, 2, 19],
  'unknown-commit-taken-for-done': [21, 28, 1],
  'deadlock-taken-for-done': [25, 2, 29],
  'intent-at-most-once': [16, 30, 13],
  'captured-again-under-a-new-key': [4, 7, 10],
  'refund-check-outside-the-lock': [22, 10, 1],
  'cancel-without-tombstone': [25, 21, 8],
  'reply-handled-twice': [10, 8, 2],
  'deadline-counts-outage-time': [13, 3],
  'compensation-left-out': [14, 22, 7],
  'pivot-taken-back': [2, 21, 5],
};

jest.setTimeout(120_000);
beforeAll(() => {
  createLogger({ service: 'simulator', level: 'silent' });
  setMaxListeners(0);
});

/** What is known to find it, then all from the first on. */
function* seedsFor(name: string): Generator<number> {
  yield* FOUND_IN[name] ?? [];
  for (let seed = 1; seed <= SEEDS; seed++) yield seed;
}

describe('each safeguard is missed when it is gone:', () => {
  it.each(Object.entries(mutations))('%s', async (name, { seams, foundBy }) => {
    for (const seed of seedsFor(name)) {
      const { violations } = await run(plan(seed, { orders: ORDERS, faults: faultKinds }), { seams });
      if (!violations.length) continue;
      expect(foundBy).toEqual(expect.arrayContaining([violations.find(({ check }) => foundBy.includes(check))?.check]));
      return;
    }
    throw new Error(`no check noticed it in ${SEEDS} seeds`);
  });
});
