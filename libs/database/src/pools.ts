import { type DatabaseConfig, type Host, sameHost } from './config.js';
import { RoutedPool } from './pool.js';
import type { Routes } from './routes.js';
import type { View } from './topology.js';

const REPLICA_SIZE = 2;
/** For a loop that reads ahead while it writes, or two of them. */
const BY_INDEX_SIZE = 3;
/** With these Postgres scans or sorts a whole table only where there is no index for it. */
const BY_INDEX = ['enable_seqscan=off', 'enable_bitmapscan=off', 'enable_sort=off'];
/** Who listens keeps a connection. */
const LISTENERS = 4;
/** One for the session that holds the lock; TypeORM may ask for a second. */
const OWNER_SIZE = 2;

/** A service's connections by what they are for. Each opens none before it is used. */
export interface Pools {
  primary: RoutedPool;
  replica: RoutedPool;
  /** Migrations: the role that owns the schema, without limits on how long a statement takes. */
  owner: RoutedPool;
  /** What follows indexes whatever the statistics say. */
  byIndex: RoutedPool;
  /** Those that wait for NOTIFY. */
  listener: RoutedPool;
}

export function openPools(config: DatabaseConfig, routes: Routes, lost: () => void): Pools {
  const role = { user: config.user, password: config.password };
  const pools = {
    primary: new RoutedPool({ config, role, size: config.poolSize ?? 5, route: routes.forWrites, pipeline: true }),
    replica: new RoutedPool({ config, role, size: REPLICA_SIZE, route: routes.forReads, readOnly: true }),
    byIndex: new RoutedPool({ config, role, size: BY_INDEX_SIZE, route: routes.forWrites, settings: BY_INDEX }),
    listener: new RoutedPool({ config, role, size: LISTENERS, route: routes.forWrites }),
    owner: new RoutedPool({ config, role: config.owner ?? role, size: OWNER_SIZE, route: routes.forMigrations, unlimited: true }),
  };
  for (const pool of Object.values(pools)) pool.on('error', lost);
  return pools;
}

/**
 * Cuts what is connected to a server that may no longer be written to, so that nothing is written to an old primary and
 * nobody waits for one that hangs; brings readers back to a replica that has returned.
 */
export function follow({ primary, replica, owner, byIndex, listener }: Pools, view: View): void {
  const is = (hosts: (Host | undefined)[]) => (host: Host) => hosts.some((h) => sameHost(h, host));
  for (const pool of [primary, owner, byIndex, listener]) pool.cut(is([view.primary]));
  replica.cut(is([view.primary, ...view.replicas]));
  replica.prefer(is(view.replicas.length > 0 ? view.replicas : [view.primary]));
}
