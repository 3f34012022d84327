import { metricsText } from '@ballast/tracing';
import { v7 } from 'uuid';
import { observeFinal, OrderMetrics } from './order.metrics.js';

const now = Date.parse('2026-11-01T10:00:00Z');
const series = async (outcome: string) =>
  (await metricsText())
    .split('\n')
    .filter((line) => line.startsWith('ballast_checkout_duration_seconds') && line.includes(`outcome="${outcome}"`));

describe('ballast_checkout_duration_seconds', () => {
  it('begins at 0', async () => {
    new OrderMetrics().onModuleInit();
    for (const outcome of ['CONFIRMED', 'REJECTED'])
      expect(await series(outcome)).toContain(`ballast_checkout_duration_seconds_count{outcome="${outcome}"} 0`);
  });

  it('runs from the moment that the order’s id was made', async () => {
    observeFinal(v7({ msecs: now - 10_000 }), 'CONFIRMED', now);
    observeFinal(v7({ msecs: now - 10_001 }), 'CONFIRMED', now);
    expect(await series('CONFIRMED')).toEqual(
      expect.arrayContaining([
        'ballast_checkout_duration_seconds_bucket{le="10",outcome="CONFIRMED"} 1',
        'ballast_checkout_duration_seconds_bucket{le="30",outcome="CONFIRMED"} 2',
      ]),
    );
  });

  it('is not negative where the clock of the cart is ahead', async () => {
    observeFinal(v7({ msecs: now + 500 }), 'REJECTED', now);
    expect(await series('REJECTED')).toContain('ballast_checkout_duration_seconds_sum{outcome="REJECTED"} 0');
  });
});
