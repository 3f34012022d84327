import { type MigrationInterface, MigrationExecutor } from 'typeorm';
import { logger } from '@ballast/tracing';
import { isUnavailable } from './classify.js';
import { PooledDataSource } from './data-source.js';
import { MigrationFailedError } from './errors.js';
import type { RoutedPool } from './pool.js';

/** A TypeORM migration; its name ends in the 13 digits of a JavaScript timestamp, which orders it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type MigrationClass = new (...args: any[]) => MigrationInterface;

/** Any number, the same in every replica of a service; each database has locks of its own. */
const LOCK = 7_225_275;

/**
 * Runs what has not run yet, in order of timestamp, each migration in a transaction together with its record. Starters of
 * several replicas take turns by a session lock, so each migration runs once. Returns the names of those that ran now.
 */
export async function migrate(pool: RoutedPool, database: string, migrations: MigrationClass[]): Promise<string[]> {
  if (migrations.length === 0) return [];
  const running = watched(migrations);
  const dataSource = await new PooledDataSource({ pool, entities: [], migrations: running.classes, database }).initialize();
  const runner = dataSource.createQueryRunner();
  try {
    const [{ free }] = (await runner.query('SELECT pg_try_advisory_lock($1) AS free', [LOCK])) as [{ free: boolean }];
    if (!free) {
      logger().info('another instance migrates the database; waiting for it');
      await runner.query('SELECT pg_advisory_lock($1)', [LOCK]);
    }
    const executor = new MigrationExecutor(dataSource, runner);
    executor.transaction = 'each';
    const done = await executor.executePendingMigrations();
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

/** The same classes, noting which one runs. */
function watched(classes: MigrationClass[]): { classes: MigrationClass[]; current?: string } {
  const state: { classes: MigrationClass[]; current?: string } = { classes: [] };
  state.classes = classes.map((Original) => {
    const Watched = class extends Original {
      override up(...args: Parameters<MigrationInterface['up']>): Promise<void> {
        state.current = this.name ?? Original.name;
        return super.up(...args) as Promise<void>;
      }
    };
    Object.defineProperty(Watched, 'name', { value: Original.name });
    return Watched;
  });
  return state;
}
