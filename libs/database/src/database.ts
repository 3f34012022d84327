import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { backoff } from '@ballast/resilience';
import { logger, withContext } from '@ballast/tracing';
import type { DataSourceOptions, EntityManager } from 'typeorm';
import { isSerializationFailure, isUnavailable } from './classify.js';
import { type DatabaseConfig, type Host, hostName, sameHost } from './config.js';
import { PooledDataSource } from './data-source.js';
import { NoPrimaryError } from './errors.js';
import { observePool, primaryChanges } from './metrics.js';
import { migrate, type MigrationClass } from './migrate.js';
import { RoutedPool } from './pool.js';
import { PostgresProbe } from './probe.js';
import { ReplicaDataSource } from './replica.js';
import { type Isolation, runTransaction } from './transaction.js';
import type { Tx } from './tx.js';
import type { View } from './topology.js';
import { Watcher } from './watcher.js';

export interface DatabaseOptions {
  config: DatabaseConfig;
  entities?: DataSourceOptions['entities'];
  /** Of the libraries and of the service, in any order: their timestamps order them. */
  migrations?: MigrationClass[];
}

export interface TransactionOptions {
  isolation?: Isolation;
  /** How often it is tried when it loses against another transaction (40001, 40P01), which is known to have rolled back. Default 3. */
  attempts?: number;
  /** Ends the transaction, a running statement included, up to COMMIT. */
  signal?: AbortSignal;
}

const FIRST_LOOK = 4_000;
const DRAIN = 5_000;

/**
 * A service's database. It finds the primary and follows it, so a write that fails for want of one succeeds when it is tried
 * again after a failover, without a restart. It starts while the database is away.
 */
@Injectable()
export class Database implements OnApplicationShutdown {
  /** Migrated: from here on it can be used. Rejects when a migration fails, and when it is closed before. */
  readonly ready: Promise<void>;

  private migrated = false;
  private readonly closing = new AbortController();
  private readonly waiting = new Set<() => void>();
  private readonly unobserve: (() => void)[];

  private constructor(
    private readonly config: DatabaseConfig,
    private readonly watcher: Watcher,
    private readonly pools: { primary: RoutedPool; replica: RoutedPool },
    private readonly sources: { primary: PooledDataSource; replica: ReplicaDataSource },
    migrations: MigrationClass[],
  ) {
    this.unobserve = [observePool('primary', pools.primary), observePool('replica', pools.replica)];
    watcher.listen({
      changed: (now, before) => this.follow(now, before),
      saw: (host, now, before) => {
        const fields = { host: hostName(host), state: now.state, ...(now.state === 'away' && { reason: now.reason }) };
        if (now.state !== 'away') logger().info(fields, 'database server found');
        else logger().warn(fields, before ? 'database server lost' : 'database server away');
      },
    });
    // Nothing that looks at servers belongs to the trace of who happened to start it.
    withContext({}, () => watcher.start());
    this.ready = withContext({}, () => this.prepare(migrations));
    this.ready.catch(() => undefined);
  }

  /** Checks the entities and starts looking for the primary. Does not wait for it: see `ready`. */
  static async open({ config, entities = [], migrations = [] }: DatabaseOptions): Promise<Database> {
    const watcher = new Watcher(config.hosts, (host) => new PostgresProbe(host, config));
    const role = { user: config.user, password: config.password };
    let database: Database | undefined = undefined as Database | undefined;
    const route = () => database!.routeToPrimary();
    const primaryPool = new RoutedPool({ config, role, size: config.poolSize ?? 5, route });
    const replicaPool = new RoutedPool({ config, role, size: 2, route: () => database!.routeToReplica(), readOnly: true });
    const lost = () => watcher.recheck();
    const name = config.name;
    const primary = new PooledDataSource({ pool: primaryPool, entities, database: name, lost });
    const replica = new ReplicaDataSource({ pool: replicaPool, entities, database: name, lost }, primary);
    for (const pool of [primaryPool, replicaPool]) pool.on('error', lost);
    await Promise.all([primary.initialize(), replica.initialize()]);
    database = new Database(config, watcher, { primary: primaryPool, replica: replicaPool }, { primary, replica }, migrations);
    return database;
  }

  /**
   * Runs `work` in one transaction on the primary and commits it, or rolls back when `work` throws.
   *
   * Once it resolves, the commit is acknowledged. `CommitUnknownError`: the answer to COMMIT was lost. Any other error: nothing was
   * written. `work` runs again after a deadlock or serialization failure, so it must leave nothing behind but rows and `txState`.
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const { attempts = 3, signal } = options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await runTransaction(this.sources.primary.createQueryRunner(), work, options);
      } catch (error) {
        if (isUnavailable(error)) this.watcher.recheck();
        if (attempt >= attempts || !isSerializationFailure(error)) throw error;
        await sleep(backoff(attempt, { initial: 20, max: 500 }), undefined, signal && { signal });
      }
    }
  }

  /** Reads outside a transaction, on the primary. */
  get primary(): EntityManager {
    return this.sources.primary.manager;
  }

  /** Reads where staleness is fine: on a replica, or on the primary when no replica answers. It refuses writes. */
  get replica(): EntityManager {
    return this.sources.replica.manager;
  }

  /** Migrated, and there is a primary. */
  get available(): boolean {
    return this.migrated && this.watcher.view.primary !== undefined;
  }

  /** Resolves when `available` is true; rejects with the signal's reason, or when the database is closed. */
  async whenAvailable(signal?: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([this.closing.signal, ...(signal ? [signal] : [])]);
    while (!this.available) {
      ended.throwIfAborted();
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.waiting.delete(wake);
          ended.removeEventListener('abort', wake);
          resolve();
        };
        this.waiting.add(wake);
        ended.addEventListener('abort', wake);
      });
    }
  }

  /** Where it is: for readiness and diagnosis. */
  get view(): View {
    return this.watcher.view;
  }

  /** Waits up to 5 s for what runs, then closes every connection. */
  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(new NoPrimaryError('the database was closed'));
    const { primary, replica } = this.pools;
    const drained = Promise.all([primary.end(), replica.end()]);
    const late = new AbortController();
    await Promise.race([drained, sleep(DRAIN, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    for (const pool of [primary, replica]) pool.cut(() => false);
    await this.watcher.stop();
    for (const stop of this.unobserve) stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  private async prepare(migrations: MigrationClass[]): Promise<void> {
    const { signal } = this.closing;
    for (let attempt = 1; ; attempt++) {
      try {
        await migrate(this.config, migrations, () => this.seek());
        break;
      } catch (error) {
        signal.throwIfAborted();
        if (!isUnavailable(error)) {
          logger().fatal({ err: error }, 'the database could not be migrated');
          throw error;
        }
        if (attempt === 1) logger().warn({ reason: (error as Error).message }, 'waiting for the database');
        await sleep(backoff(attempt, { initial: 100, max: 1_000 }), undefined, { signal }).catch(() => undefined);
        signal.throwIfAborted();
      }
    }
    this.migrated = true;
    logger().info({ primary: this.watcher.view.primary && hostName(this.watcher.view.primary) }, 'database ready');
    this.wake();
  }

  /** The first seconds of a process wait for the first look; after that it is known at once whether there is a primary. */
  private async seek(): Promise<Host> {
    const { watcher } = this;
    if (!watcher.view.primary) await Promise.race([watcher.looked, sleep(FIRST_LOOK, undefined, { ref: false })]);
    const { primary, reason } = watcher.view;
    if (!primary) throw new NoPrimaryError(reason);
    return primary;
  }

  private async routeToPrimary(): Promise<Host> {
    const primary = await this.seek();
    if (!this.migrated) throw new NoPrimaryError('its migrations have not run yet');
    return primary;
  }

  private async routeToReplica(): Promise<Host> {
    const primary = await this.routeToPrimary().catch((error: unknown) => error as NoPrimaryError);
    const { replicas } = this.watcher.view;
    const replica = replicas[0];
    if (this.migrated && replica) return replica;
    if (primary instanceof Error) throw primary;
    return primary;
  }

  private follow(now: View, before: View): void {
    const { primary, replica } = this.pools;
    const readers = now.replicas.length > 0 ? now.replicas : now.primary ? [now.primary] : [];
    const alive = [...now.replicas, ...(now.primary ? [now.primary] : [])];
    primary.cut((host) => sameHost(host, now.primary));
    replica.cut((host) => alive.some((a) => sameHost(a, host)));
    replica.prefer((host) => readers.some((r) => sameHost(r, host)));
    if (sameHost(now.primary, before.primary)) return;
    if (!now.primary) logger().error({ reason: now.reason }, 'no primary database');
    else {
      logger().info({ primary: hostName(now.primary), timeline: now.timeline }, 'writes go to this database server');
      if (before.timeline > 0) primaryChanges().inc();
    }
    this.wake();
  }

  private wake(): void {
    for (const wake of [...this.waiting]) wake();
  }
}
