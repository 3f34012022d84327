import { parseMetrics, sumOf } from './metrics-text.js';
import { type StatusReport, troubleIn } from './status-report.js';
import type { ServiceStatus } from './status-service.js';
import { duration, statusTable } from './status-table.js';

const service = (name: string, more: Partial<ServiceStatus> = {}): ServiceStatus => ({
  ...{
    name,
    url: `http://127.0.0.1:1/${name}`,
    pid: 10,
    health: 'ok',
    away: [],
    restarts: 0,
    uptimeSeconds: 75,
    memoryBytes: 100 * 2 ** 20,
  },
  ...more,
});
const report = (more: Partial<Omit<StatusReport, 'trouble'>> = {}): StatusReport => {
  const made = { pid: 1, gateway: { url: 'http://g', up: true }, services: [service('cart')], postgres: [], ...more };
  return { ...made, trouble: troubleIn(made) };
};

describe('metrics', () => {
  it('are read with their labels and summed', () => {
    const samples = parseMetrics(
      '# HELP x y\nlag{topic="a",partition="1"} 3\nlag{topic="b",partition="2"} 4\npending 0\nodd{a="x\\"y"} 1e3\n',
    );
    expect([sumOf(samples, 'lag'), sumOf(samples, 'lag', { topic: 'b' }), sumOf(samples, 'pending'), sumOf(samples, 'none')]).toEqual([
      7,
      4,
      0,
      undefined,
    ]);
    expect(samples.at(-1)).toEqual({ name: 'odd', labels: { a: 'x\\"y' }, value: 1000 });
  });
});

describe('the status', () => {
  it('shows what waits, and since when', () => {
    const table = statusTable(
      report({
        services: [
          service('cart', {
            health: 'degraded',
            away: ['broker'],
            outbox: { pending: 7, oldestSeconds: 130, parked: 0 },
            lag: 3,
            deadLetters: 1,
          }),
          service('order', { sagas: { unfinished: 4, stuck: 1 } }),
        ],
      }),
    );
    expect(table).toMatch(/^cart +degraded: no broker +10 +75s +0 +7 \(2m\) +3 +1 +- +100 /m);
    expect(table).toMatch(/^order +ok +10 +75s +0 +- +- +- +4 \(1 STUCK\) +″ /m); // the same process: its memory is told once
  });

  it('finds no fault with one that is only degraded, and tells all that is down', () => {
    expect(report({ services: [service('cart', { health: 'degraded', away: ['broker'] })] }).trouble).toEqual([]);
    const bad = report({
      gateway: { url: 'http://g', up: false },
      services: [service('cart', { health: 'down' }), service('order', { health: 'starting' })],
      kafka: { brokers: [{ address: 'k:1', up: false }] },
      postgres: [{ name: 'a', host: 'h', port: 5, role: 'down' }],
    });
    expect(bad.trouble).toEqual([
      'the gateway does not answer at http://g',
      'cart is down: npm run logs -- cart',
      'order is starting: npm run logs -- order',
      'Kafka is down at k:1: npm run logs -- kafka',
      'Postgres a is down at :5: npm run logs -- postgres',
      'Postgres has no primary',
    ]);
    expect(statusTable(bad)).toContain('✖ cart is down');
  });

  it('tells a time in few letters', () => {
    expect([0, 89, 90, 3_599, 3_600, 90_000].map(duration)).toEqual(['0s', '89s', '1m', '59m', '1h0m', '25h0m']);
  });
});
