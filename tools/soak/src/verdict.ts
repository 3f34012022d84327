import { type Sample, SHARED_BUFFERS } from './sample.js';

export interface Verdict {
  what: string;
  /** At the beginning and the end of the part that is judged. */
  from: number;
  to: number;
  unit: 'bytes' | 'ms' | 'count';
  bound: string;
  flat: boolean;
}

/** Tables that hold the business itself and grow with it, by what a row is for. Their growth is told per order. */
export const BUSINESS: Readonly<Record<string, string>> = {
  'auth.account': 'accounts',
  'cart.cart': 'baskets that were bought',
  'cart.cart_item': 'baskets that were bought',
  'inventory.reservation': 'what an order took from the stock',
  'inventory.reservation_item': 'what an order took from the stock',
  'order.orders': 'orders',
  'order.saga_archive': 'orders’ histories',
  'payment.payment': 'payments',
  'payment.refund': 'refunds',
  'payment.ledger_transaction': 'the books',
  'payment.ledger_entry': 'the books',
  'psp.operation': 'the processor’s own books',
};

const MB = 1024 * 1024;
/**
 * What a table may grow by between two windows of a run: a tenth, for it is pruned each minute and vacuumed each minute and stands
 * higher before than after; and half a megabyte, for the smallest tables grow by whole pages and by their maps.
 */
const TABLE = { share: 0.1, bytes: MB / 2 };
/** A process: a twelfth, and 8 MB, about what one collection of a Node heap differs from the next. */
const MEMORY = { share: 1 / 12, bytes: 8 * MB };

/** Postgres' `shared_buffers` of 32 MB, and what else its processes share. They fill as the data does. */
const BUFFERS = 48 * MB;

/** Judges the second half of a run: its first third against its last. */
export function judge(samples: readonly Sample[]): Verdict[] {
  const half = samples.slice(Math.floor(samples.length / 2));
  const third = Math.max(1, Math.floor(half.length / 3));
  const [first, last] = [half.slice(0, third), half.slice(-third)];
  const verdicts: Verdict[] = [];
  const compare = (
    what: string,
    unit: Verdict['unit'],
    of: (s: Sample) => number,
    bound: string,
    limit: (from: number) => number,
    by = median,
  ) => {
    const [from, to] = [by(first.map(of)), by(last.map(of))];
    verdicts.push({ what, from, to, unit, bound, flat: to <= limit(from) });
  };
  for (const table of Object.keys(last.at(-1)!.tables)
    .filter((name) => !BUSINESS[name])
    .sort())
    compare(table, 'bytes', ({ tables }) => tables[table]?.bytes ?? 0, '+10 % or 0.5 MB', grown(TABLE));
  for (const part of Object.keys(last.at(-1)!.memory))
    if (part.startsWith(SHARED_BUFFERS))
      compare(
        part,
        'bytes',
        ({ memory }) => memory[part] ?? 0,
        '48 MB in all',
        () => BUFFERS,
      );
    else compare(`memory of ${part}`, 'bytes', ({ memory }) => memory[part] ?? 0, '+8 % or 8 MB', grown(MEMORY));
  // The least of a window is what was left after a collection; what was not collected yet says nothing.
  for (const service of Object.keys(last.at(-1)!.heap))
    compare(`heap of ${service}`, 'bytes', ({ heap }) => heap[service] ?? Infinity, '+8 % or 8 MB, least of each', grown(MEMORY), least);
  compare(
    'checkout p50',
    'ms',
    ({ latency }) => latency.p50,
    '+25 % or 100 ms',
    (from) => Math.max(from * 1.25, from + 100),
  );
  compare(
    'checkout p99',
    'ms',
    ({ latency }) => latency.p99,
    '+50 % or 500 ms',
    (from) => Math.max(from * 1.5, from + 500),
  );
  compare(
    'outbox pending',
    'count',
    ({ outboxPending }) => outboxPending,
    '100',
    () => 100,
  );
  compare(
    'consumer lag',
    'count',
    ({ consumerLag }) => consumerLag,
    '100',
    () => 100,
  );
  return verdicts;
}

/** Bytes per order that each business table took, over the second half. */
export function growth(samples: readonly Sample[]): { table: string; perOrder: number; rows: number }[] {
  const [from, to] = [samples[Math.floor(samples.length / 2)]!, samples.at(-1)!];
  const orders = Math.max(1, to.orders - from.orders);
  return Object.keys(BUSINESS)
    .filter((table) => to.tables[table])
    .map((table) => ({
      table,
      perOrder: (to.tables[table]!.bytes - (from.tables[table]?.bytes ?? 0)) / orders,
      rows: to.tables[table]!.rows,
    }));
}

const grown =
  ({ share, bytes }: { share: number; bytes: number }) =>
  (from: number): number =>
    from + Math.max(from * share, bytes);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

const least = (values: readonly number[]): number => Math.min(...values);
