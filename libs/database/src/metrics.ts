import { counter, gauge, perScope } from '@ballast/tracing';
import type { RoutedPool } from './pool.js';

const poolsHere = perScope(() => new Map<RoutedPool, string>());

/** Shows a pool's use until the function it returns is called. Pools of one name in one service are added up. */
export function observePool(name: string, pool: RoutedPool): () => void {
  const pools = poolsHere();
  gauge('ballast_db_pool', 'Connections of the database pools, and callers that wait for one', ['pool', 'state'], (metric) => {
    metric.reset();
    for (const [{ busyCount, idleCount, waitingCount }, label] of pools) {
      metric.inc({ pool: label, state: 'busy' }, busyCount);
      metric.inc({ pool: label, state: 'idle' }, idleCount);
      metric.inc({ pool: label, state: 'waiting' }, waitingCount);
    }
  });
  pools.set(pool, name);
  return () => pools.delete(pool);
}

const databasesHere = perScope(() => new Set<{ readonly available: boolean }>());

/** Shows whether the service can use its database until the function it returns is called: of several, whether it can use all of them. */
export function observeAvailability(database: { readonly available: boolean }): () => void {
  const databases = databasesHere();
  gauge('ballast_db_available', 'Whether there is a primary to write to: 1 or 0', [], (metric) => {
    metric.set([...databases].every(({ available }) => available) ? 1 : 0);
  });
  databases.add(database);
  return () => databases.delete(database);
}

export const primaryChanges = () =>
  counter('ballast_db_primary_changes_total', 'How often writes moved to another server since the process started');

export const pruned = () => counter('ballast_pruned_rows_total', 'Rows deleted because their time was over', ['table']);
