import { metricsText } from '@ballast/tracing';
import { beginMetrics, countSagas } from './metrics.js';
import type { SagaStore } from './store.js';

const lines = async () => (await metricsText()).split('\n').filter((line) => line.startsWith('ballast_saga'));

it('begins at 0, and keeps what it counted last while the database is away', async () => {
  beginMetrics(['trip.v1']);
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'ballast_sagas{definition="trip.v1",state="STUCK"} 0',
      'ballast_saga_duration_seconds_count{definition="trip.v1",outcome="COMPENSATED"} 0',
      'ballast_saga_replies_ignored_total{definition="trip.v1",reason="late"} 0',
      'ballast_saga_replies_ignored_total{definition="",reason="unknown"} 0',
    ]),
  );

  const census: SagaStore['census'] = async () => [
    { definition: 'trip.v1', status: 'STUCK', count: 2 },
    { definition: 'old.v1', status: 'RUNNING', count: 3 },
  ];
  await countSagas({ census }, { count: async () => 4 }, ['trip.v1']);
  const away = { census: () => Promise.reject(new Error('away')) };
  await expect(countSagas(away, { count: async () => 5 }, ['trip.v1'])).rejects.toThrow('away');
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'ballast_sagas{definition="trip.v1",state="STUCK"} 2',
      'ballast_sagas{definition="trip.v1",state="RUNNING"} 0',
      'ballast_sagas_unregistered{definition="old.v1"} 3',
      'ballast_saga_replies_waiting 4',
    ]),
  );

  await countSagas({ census: async () => [] }, { count: async () => 0 }, ['trip.v1']);
  expect(await lines()).toContain('ballast_sagas{definition="trip.v1",state="STUCK"} 0');
  expect((await lines()).join()).not.toContain('old.v1');
});
