import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '@ballast/resilience';
import { logger } from '@ballast/tracing';
import { type DataSource, type Migration, type MigrationInterface, MigrationExecutor, type QueryRunner } from 'typeorm';
import { isUnavailable, sqlState } from './classify.js';
import { PooledDataSource } from './data-source.js';
import { MigrationFailedError } from './errors.js';
import type { RoutedPool } from './pool.js';

/** A TypeORM migration; its name ends in the 13 digits of a JavaScript timestamp, which orders it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type MigrationClass = new (...args: any[]) => MigrationInterface;

/** Any number, the same in every replica of a service; each database has locks of its own. */
const LOCK = 7_225_275;

/**
 * A migration waits this long for a table, ms, then lets everyone else pass and tries again: an `ALTER TABLE` that waits behind one
 * long transaction stops all later ones of the version that is still at work. Shorter than what a request waits for a lock.
 */
const LOCK_TIMEOUT = 1_000;
const PAUSE = { initial: 500, max: 5_000 };
/** How often a starter that waits for another's migrations looks again, ms. */
const TURN = 250;
/** `lock_not_available`, `deadlock_detected` */
const IN_THE_WAY = ['55P03', '40P01'];

/**
 * Runs what has not run yet, in order of timestamp, each migration in a transaction together with its record. Starters of
 * several replicas take turns by a session lock, so each migration runs once. Returns the names of those that ran now.
 *
 * One that finds a table locked for longer than a second is rolled back and tried again until it gets through. One with
 * `transaction = false` has no such limit, since what it did would stay half done: it is on its own.
 */
export async function migrate(pool: RoutedPool, database: string, migrations: MigrationClass[]): Promise<string[]> {
  if (migrations.length === 0) return [];
  const running = watched(migrations);
  const dataSource = await new PooledDataSource({ pool, entities: [], migrations: running.classes, database }).initialize();
  const runner = dataSource.createQueryRunner();
  try {
    await ownTurn(runner);
    const done = await patiently(dataSource, runner);
    for (const { name } of done) logger().info({ migration: name }, 'migrated');
    return done.map((m) => m.name);
  } catch (error) {
    if (isUnavailable(error) || !running.current) throw error;
    throw new MigrationFailedError(running.current, error);
  } finally {
    // Closing the session gives the lock back, whatever state it is in.
    await runner.releasePostgresConnection(new Error('done'));
  }
}

/**
 * Asks again and again instead of waiting inside the server: a statement that waits for a lock holds a snapshot, for which
 * `CREATE INDEX CONCURRENTLY` of the one that migrates would wait in turn, and Postgres would end one of the two as a deadlock.
 */
async function ownTurn(runner: QueryRunner): Promise<void> {
  for (let asked = 0; ; asked++) {
    const [{ mine }] = (await runner.query('SELECT pg_try_advisory_lock($1) AS mine', [LOCK])) as [{ mine: boolean }];
    if (mine) return;
    if (asked === 0) logger().info('another instance migrates the database; waiting for it');
    await sleep(TURN);
  }
}

/** Tries again as long as a table is in use. What was migrated before stays so. */
async function patiently(dataSource: DataSource, runner: QueryRunner): Promise<Migration[]> {
  for (let attempt = 1; ; attempt++) {
    const executor = new MigrationExecutor(dataSource, runner);
    executor.transaction = 'each';
    try {
      return await executor.executePendingMigrations();
    } catch (error) {
      if (!IN_THE_WAY.includes(sqlState(error) ?? '')) throw error;
      logger().warn({ attempt }, 'a migration waits for a table that is in use');
      await sleep(backoff(attempt, PAUSE));
    }
  }
}

/** The same classes, noting which one runs, each under the lock time-out. */
function watched(classes: MigrationClass[]): { classes: MigrationClass[]; current?: string } {
  const state: { classes: MigrationClass[]; current?: string } = { classes: [] };
  state.classes = classes.map((Original) => {
    const Watched = class extends Original {
      override async up(runner: QueryRunner): Promise<void> {
        state.current = this.name ?? Original.name;
        if (runner.isTransactionActive) await runner.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT}`);
        await super.up(runner);
      }
    };
    Object.defineProperty(Watched, 'name', { value: Original.name });
    return Watched;
  });
  return state;
}
