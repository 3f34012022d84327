import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { backoff } from '@ballast/resilience';
import { logger, withContext } from '@ballast/tracing';
import type { DataSourceOptions, EntityManager } from 'typeorm';
import { isSerializationFailure, isUnavailable } from './classify.js';
import { type DatabaseConfig, hostName, sameHost } from './config.js';
import { PooledDataSource } from './data-source.js';
import { NoPrimaryError } from './errors.js';
import { listen } from './listener.js';
import { observeAvailability, observePool, primaryChanges } from './metrics.js';
import { migrate, type MigrationClass } from './migrate.js';
import { follow, openPools, type Pools } from './pools.js';
import { PostgresProbe } from './probe.js';
import { ReplicaDataSource } from './replica.js';
import { Retention } from './retention.js';
import { Routes } from './routes.js';
import type { View } from './topology.js';
import { runTransaction, type TransactionSettings } from './transaction.js';
import type { Tx } from './tx.js';
import { Watcher } from './watcher.js';

export interface DatabaseOptions {
  config: DatabaseConfig;
  entities?: DataSourceOptions['entities'];
  /** Of the libraries and of the service, in any order: their timestamps order them. */
  migrations?: MigrationClass[];
}

export interface TransactionOptions extends TransactionSettings {
  /** How often it is tried when it loses against another transaction (40001, 40P01), which is known to have rolled back. Default 3. */
  attempts?: number;
}

const DRAIN = 5_000;

/**
 * A service's database. It finds the primary and follows it, so that what fails for want of one succeeds when it is tried
 * again after a failover, without a restart. It starts while the database is away.
 */
@Injectable()
export class Database implements OnApplicationShutdown {
  /** Migrated: from here on it can be used. Rejects when a migration fails, and when it is closed before. */
  readonly ready: Promise<void>;

  private readonly closing = new AbortController();
  /** Deletes old rows, by the rules that are added to it. */
  readonly retention = new Retention(this, this.closing.signal);
  private lastPrimary: View['primary'];
  private readonly waiting = new Set<() => void>();
  private readonly listening = new Set<Promise<void>>();
  private readonly stopObserving: (() => void)[];

  private constructor(
    private readonly name: string,
    private readonly watcher: Watcher,
    private readonly routes: Routes,
    private readonly pools: Pools,
    private readonly sources: { primary: PooledDataSource; replica: ReplicaDataSource; byIndex: PooledDataSource },
    migrations: MigrationClass[],
  ) {
    const { primary, replica, byIndex } = pools;
    const observed = Object.entries({ primary, replica, byIndex }).map(([name, pool]) => observePool(name, pool));
    this.stopObserving = [...observed, observeAvailability(this)];
    primaryChanges().inc(0);
    watcher.listen({ changed: (now, before) => this.changed(now, before) });
    // What goes on in the background belongs to no caller's trace.
    this.ready = withContext({}, () => {
      watcher.start();
      return this.prepare(migrations);
    });
    this.ready.catch(() => undefined);
  }

  /** Checks the entities and starts looking for the primary. Does not wait for it: see `ready`. */
  static async open({ config, entities = [], migrations = [] }: DatabaseOptions): Promise<Database> {
    const watcher = new Watcher(config.hosts, (host) => new PostgresProbe(host, config));
    const routes = new Routes(watcher);
    const lost = () => watcher.recheck();
    const pools = openPools(config, routes, lost);
    const shared = { entities, database: config.name, lost };
    const primary = await new PooledDataSource({ ...shared, pool: pools.primary }).initialize();
    const replica = await new ReplicaDataSource({ ...shared, pool: pools.replica }, primary).initialize();
    const byIndex = await new PooledDataSource({ ...shared, entities: [], pool: pools.byIndex }).initialize();
    return new Database(config.name, watcher, routes, pools, { primary, replica, byIndex }, migrations);
  }

  /**
   * Runs `work` in one transaction on the primary and commits it, or rolls back when `work` throws.
   *
   * Once it resolves, the commit is acknowledged. `CommitUnknownError`: the answer to COMMIT was lost. Any other error: nothing was
   * written. `work` runs again after a deadlock or serialization failure, so it must leave nothing behind but rows and `txState`.
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const { attempts = 3, signal } = options;
    this.closing.signal.throwIfAborted();
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

  /**
   * Statements of its own, outside a transaction, on the primary, on connections that follow an index wherever there is one. For a table that is empty
   * most of the time and long now and then, such as a queue: Postgres knows it as empty, and would read and sort all of it for the first few rows.
   */
  get byIndex(): EntityManager {
    return this.sources.byIndex.manager;
  }

  /** Reads where staleness is fine: on a replica, or on the primary when no replica answers. It refuses writes. */
  get replica(): EntityManager {
    return this.sources.replica.manager;
  }

  /** Migrated, and there is a primary. */
  get available(): boolean {
    return this.routes.migrated && this.view.primary !== undefined;
  }

  /** Where reads and writes go, and why there is no primary: for diagnosis. */
  get view(): View {
    return this.watcher.view;
  }

  /** Resolves when `available` is true; rejects with the signal's reason, or when the database is closed. */
  async whenAvailable(signal?: AbortSignal): Promise<void> {
    // Not `AbortSignal.any`: it would stay registered with a signal that lives as long as the process, once for each wait.
    const ended = [this.closing.signal, signal].filter((each) => each !== undefined);
    while (!this.available) {
      for (const each of ended) each.throwIfAborted();
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.waiting.delete(wake);
          for (const each of ended) each.removeEventListener('abort', wake);
          resolve();
        };
        this.waiting.add(wake);
        for (const each of ended) each.addEventListener('abort', wake);
      });
    }
  }

  /**
   * Calls `heard` with the payload of each NOTIFY on the channel, on a connection of its own, and with nothing each time it begins to listen. What is sent
   * while the connection is away is lost: a hint that something may be done at once, beside a poll. Until the signal aborts, or the database is closed.
   * Under the name `as`, if there is one, others can see meanwhile that this process lives: `sessionLockHeld`.
   */
  async listen(channel: string, heard: (payload?: string) => void, signal: AbortSignal, as?: string): Promise<void> {
    const ending = new AbortController();
    const end = () => ending.abort();
    const ended = [this.closing.signal, signal];
    for (const each of ended) each.addEventListener('abort', end);
    if (ended.some((each) => each.aborted)) end();
    const listening = listen(
      { pool: this.pools.listener, whenAvailable: (s) => this.whenAvailable(s), ...(as !== undefined && { as }) },
      channel,
      heard,
      ending.signal,
    ).finally(() => {
      this.listening.delete(listening);
      for (const each of ended) each.removeEventListener('abort', end);
    });
    this.listening.add(listening);
    await listening;
  }

  /** Begins no more transactions, waits up to 5 s for those that run, then closes every connection. */
  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(new NoPrimaryError('the database was closed'));
    const { primary, replica, owner, byIndex, listener } = this.pools;
    for (const pool of [owner, listener]) pool.cut(() => false);
    const late = AbortSignal.timeout(DRAIN);
    await Promise.all([
      ...this.listening,
      primary.drain(late),
      replica.drain(late),
      byIndex.drain(late),
      listener.drain(late),
      this.ready.catch(() => undefined),
      this.retention.stopped(),
    ]);
    await this.watcher.stop();
    for (const stop of this.stopObserving) stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  /** Tries until the database is there. Only a migration's own failure ends it. */
  private async prepare(migrations: MigrationClass[]): Promise<void> {
    const { signal } = this.closing;
    for (let attempt = 1; ; attempt++) {
      try {
        await migrate(this.pools.owner, this.name, migrations);
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
    await this.pools.owner.end();
    this.routes.migrated = true;
    logger().info({ primary: this.view.primary && hostName(this.view.primary) }, 'database ready');
    this.wake();
  }

  private changed(now: View, before: View): void {
    follow(this.pools, now);
    if (sameHost(now.primary, before.primary)) return;
    if (!now.primary) logger().error({ reason: now.reason }, 'no primary database');
    else {
      logger().info({ primary: hostName(now.primary), timeline: now.timeline }, 'writes go to this database server');
      if (this.lastPrimary && !sameHost(now.primary, this.lastPrimary)) primaryChanges().inc();
      this.lastPrimary = now.primary;
    }
    this.wake();
  }

  private wake(): void {
    for (const wake of [...this.waiting]) wake();
  }
}
