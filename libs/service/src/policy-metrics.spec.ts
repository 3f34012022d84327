import { policy } from '@ballast/resilience';
import { eventually } from '@ballast/testing';
import { metricsText } from '@ballast/tracing';
import { exposePolicies } from './policy-metrics.js';

const lines = async () => (await metricsText()).split('\n').filter((line) => line.startsWith('ballast_policy'));

it('shows each policy from its declaration on, and counts each thing once', async () => {
  const lamp = policy('lamp', { breaker: { failures: 2, resetAfter: 50 } });
  exposePolicies();
  exposePolicies(); // a second service of the process
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'ballast_policy_events_total{policy="lamp",event="failure"} 0',
      'ballast_policy_events_total{policy="lamp",event="rejected"} 0',
      'ballast_policy_open{policy="lamp"} 0',
    ]),
  );

  for (let i = 0; i < 3; i++) await expect(lamp.execute(() => Promise.reject(new Error('dark')))).rejects.toThrow();
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'ballast_policy_events_total{policy="lamp",event="failure"} 2',
      'ballast_policy_events_total{policy="lamp",event="opened"} 1',
      'ballast_policy_events_total{policy="lamp",event="rejected"} 1',
      'ballast_policy_open{policy="lamp"} 1',
    ]),
  );

  await eventually(() => lamp.execute(() => Promise.resolve('light')));
  expect(await lines()).toContain('ballast_policy_open{policy="lamp"} 0');
});
