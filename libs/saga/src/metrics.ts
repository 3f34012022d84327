import { counter, gauge, histogram } from '@ballast/tracing';
import type { ParkedReplyStore } from './parked-store.js';
import type { SagaStore } from './store.js';

const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800];
const UNFINISHED = ['RUNNING', 'COMPENSATING', 'STUCK'];
const OUTCOMES = ['COMPLETED', 'COMPENSATED', 'ABANDONED'];

const duration = () =>
  histogram('ballast_saga_duration_seconds', 'From the start of a saga to its end', ['definition', 'outcome'], BUCKETS);
const replies = () =>
  counter('ballast_saga_replies_ignored_total', 'Replies that changed nothing, by why: duplicate, late, unknown', ['definition', 'reason']);
const sagas = () => gauge('ballast_sagas', 'Unfinished sagas, by definition and state', ['definition', 'state']);
const unregistered = () =>
  gauge('ballast_sagas_unregistered', 'Unfinished sagas whose definition this service does not have', ['definition']);
const waiting = () => gauge('ballast_saga_replies_waiting', 'Replies that wait for a replica which has the definition of their saga');
const parkings = () =>
  counter('ballast_saga_replies_parked_total', 'Replies set aside for a replica which has the definition of their saga', ['definition']);

export const observeFinished = (definition: string, outcome: string, createdAt: Date): void =>
  duration().observe({ definition, outcome }, Math.max(0, Date.now() - createdAt.getTime()) / 1000);

export const countIgnored = (definition: string, reason: string): void => replies().inc({ definition, reason });

export const countParked = (definition: string): void => parkings().inc({ definition });

/** What can be counted begins at 0, so that an alert sees the very first. */
export function beginMetrics(definitions: readonly string[]): void {
  for (const definition of definitions) {
    for (const outcome of OUTCOMES) duration().zero({ definition, outcome });
    for (const reason of ['duplicate', 'late']) replies().inc({ definition, reason }, 0);
    for (const state of UNFINISHED) sagas().set({ definition, state }, 0);
  }
  replies().inc({ definition: '', reason: 'unknown' }, 0);
}

/** Counts unfinished sagas by state; finished ones are counted by the duration's histogram. */
export async function countSagas(
  store: Pick<SagaStore, 'census'>,
  parkedStore: Pick<ParkedReplyStore, 'count'>,
  registered: readonly string[],
): Promise<void> {
  const [census, parked] = [await store.census(), await parkedStore.count()];
  waiting().set({}, parked);
  sagas().reset();
  unregistered().reset();
  for (const definition of registered) for (const state of UNFINISHED) sagas().set({ definition, state }, 0);
  for (const { definition, status, count } of census) {
    sagas().set({ definition, state: status }, count);
    if (!registered.includes(definition)) unregistered().inc({ definition }, count);
  }
}
