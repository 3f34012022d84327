import { counter, gauge, histogram } from '@ballast/tracing';
import type { SagaStore } from './store.js';

const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800];

const duration = () =>
  histogram('ballast_saga_duration_seconds', 'From the start of a saga to its end', ['definition', 'outcome'], BUCKETS);
const replies = () =>
  counter('ballast_saga_replies_ignored_total', 'Replies that changed nothing, by why: duplicate, late, unknown', ['definition', 'reason']);

export const observeFinished = (definition: string, outcome: string, createdAt: Date): void =>
  duration().observe({ definition, outcome }, Math.max(0, Date.now() - createdAt.getTime()) / 1000);

export const countIgnored = (definition: string, reason: string): void => replies().inc({ definition, reason });

/** Unfinished sagas by state, counted at each scrape; finished ones are counted by the duration's histogram. */
export function exposeSagas(store: SagaStore, isRegistered: (definition: string) => boolean): void {
  gauge('ballast_sagas', 'Unfinished sagas, by definition and state', ['definition', 'state'], async (sagas) => {
    const census = await store.census();
    sagas.reset();
    for (const { definition, status, count } of census) sagas.set({ definition, state: status }, count);
    const unregistered = gauge('ballast_sagas_unregistered', 'Unfinished sagas whose definition this service does not have', [
      'definition',
    ]);
    unregistered.reset();
    for (const { definition, count } of census) if (!isRegistered(definition)) unregistered.inc({ definition }, count);
  });
}
