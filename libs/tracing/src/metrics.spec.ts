import { counter, gauge, histogram, metricsContentType, metricsText } from './index.js';

test('default metrics are there, the event-loop lag among them', async () => {
  const text = await metricsText();
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  expect(text).toContain('process_resident_memory_bytes');
  expect(metricsContentType).toContain('text/plain');
});

test('the same name is the same metric', async () => {
  counter('test_total', 'Things', ['topic']).inc({ topic: 'a' });
  counter('test_total', 'Things', ['topic']).inc({ topic: 'a' });
  expect(await metricsText()).toContain('test_total{topic="a"} 2');
});

test('a name with another kind or other labels is a mistake', () => {
  counter('test_taken', 'x', ['a']);
  expect(() => counter('test_taken', 'x', ['b'])).toThrow(TypeError);
  expect(() => gauge('test_taken', 'x', ['a'])).toThrow(TypeError);
});

test('a histogram has the buckets it was given', async () => {
  histogram('test_seconds', 'x', [], [1, 2]).observe(1.5);
  expect(await metricsText()).toMatch(/test_seconds_bucket\{le="1"\} 0\n.*le="2"\} 1/);
});

describe('a gauge that is collected', () => {
  test('is asked at each scrape, and by the latest collector only', async () => {
    let pending = 1;
    gauge('test_pending', 'x', [], (g) => g.set(-1));
    gauge('test_pending', 'x', [], async (g) => g.set(await Promise.resolve(pending)));
    expect(await metricsText()).toContain('test_pending 1');
    pending = 2;
    expect(await metricsText()).toContain('test_pending 2');
  });

  test('has no value when it fails, rather than a stale one, and does not fail the scrape', async () => {
    let broken = false;
    gauge('test_broken', 'x', ['lane'], (g) => {
      if (broken) throw new Error('no database');
      g.set({ lane: '0' }, 7);
    });
    gauge('test_broken_plain', 'x', [], (g) => {
      if (broken) throw new Error('no database');
      g.set(7);
    });
    expect(await metricsText()).toMatch(/test_broken\{lane="0"\} 7[^]*test_broken_plain 7/);
    broken = true;
    expect(await metricsText()).not.toMatch(/^test_broken.* \d/m);
    broken = false;
    expect(await metricsText()).toMatch(/test_broken\{lane="0"\} 7[^]*test_broken_plain 7/);
  });
});
