import { plot } from './plot.js';
import { type Sample, sumOf } from './sample.js';
import { growth, judge } from './verdict.js';

const MB = 1024 * 1024;

/** Twenty minutes in which each thing goes as it is told, by the share of the run that is over. */
function run(of: Partial<Record<'inbox' | 'memory' | 'buffers' | 'heap' | 'p50', (t: number) => number>> = {}) {
  const { inbox = () => 10 * MB, memory = () => 150 * MB, buffers = () => 20 * MB, heap = () => 40 * MB, p50 = () => 300 } = of;
  return Array.from({ length: 120 }, (_, n): Sample => {
    const t = n / 119;
    return {
      at: n * 10,
      tables: { 'order.inbox': { bytes: inbox(t), rows: 1, dead: 0 }, 'order.orders': { bytes: n * 1000 * 10, rows: n * 10, dead: 0 } },
      memory: { order: memory(t), 'shared buffers of postgres a': buffers(t) },
      heap: { order: heap(n) },
      latency: { count: 10, p50: p50(t), p99: 2 * p50(t) },
      outboxPending: 0,
      consumerLag: 0,
      orders: n * 10,
    };
  });
}
const notFlat = (samples: readonly Sample[]) => judge(samples).flatMap(({ what, flat }) => (flat ? [] : [what]));

it('calls a run flat in which nothing grows, whatever its first half was', () => {
  expect(notFlat(run())).toEqual([]);
  expect(notFlat(run({ inbox: (t) => Math.min(t, 0.4) * 100 * MB, memory: (t) => (t < 0.3 ? 80 : 150) * MB }))).toEqual([]);
});

it('finds what grows: a table, a process, a heap, the time a checkout takes', () => {
  expect(notFlat(run({ inbox: (t) => t * 20 * MB }))).toEqual(['order.inbox']);
  expect(notFlat(run({ memory: (t) => (100 + t * 80) * MB }))).toEqual(['memory of order']);
  expect(notFlat(run({ p50: (t) => 200 + 1_500 * t * t }))).toEqual(['checkout p50', 'checkout p99']);
});

it('goes by what a collection leaves of a heap', () => {
  const sawtooth = (n: number) => (n % 7) * 6 * MB;
  expect(notFlat(run({ heap: (n) => 40 * MB + sawtooth(n) }))).toEqual([]);
  expect(notFlat(run({ heap: (n) => 40 * MB + sawtooth(n) + n * 0.3 * MB }))).toEqual(['heap of order']);
});

it('lets the buffers of Postgres fill, up to what they are set to', () => {
  expect(notFlat(run({ buffers: (t) => t * 40 * MB }))).toEqual([]);
  expect(notFlat(run({ buffers: (t) => t * 60 * MB }))).toEqual(['shared buffers of postgres a']);
});

it('tells what business data takes an order, and judges it not', () => {
  expect(growth(run())).toEqual([{ table: 'order.orders', perOrder: 1000, rows: 1190 }]);
});

it('adds up a metric over its labels', () => {
  expect(sumOf('# HELP a b\na{x="1"} 2\na{x="2"} 3.5\na 1\nab 7\n', 'a')).toBe(6.5);
});

it('draws a chart that a reader of XML takes, with every line named', () => {
  const svg = plot(run(), 'A <soak> & more');
  expect(svg).toContain('A &lt;soak> &amp; more');
  for (const name of ['order.inbox', 'business data', 'p99']) expect(svg).toContain(`>${name}</text>`);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});
