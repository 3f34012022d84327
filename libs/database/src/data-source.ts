import { DataSource, type DataSourceOptions, type Logger, type QueryRunner, type ReplicationMode } from 'typeorm';
import type pg from 'pg';
import { isUnavailable } from './classify.js';
import { ConnectionLostError } from './errors.js';
import { streamOf } from './probe.js';

export interface PooledDataSourceOptions {
  pool: pg.Pool;
  entities: DataSourceOptions['entities'];
  migrations?: DataSourceOptions['migrations'];
  database: string;
  /** A query failed for reasons of the connection. */
  lost?: (error: unknown) => void;
}

/** TypeORM would write to the console; what fails is thrown, and logged where it is handled. */
const SILENT: Logger = {
  logQuery: () => undefined,
  logQueryError: () => undefined,
  logQuerySlow: () => undefined,
  logSchemaBuild: () => undefined,
  logMigration: () => undefined,
  log: () => undefined,
};

/** A query runner with what this library adds. */
export interface GuardedQueryRunner extends QueryRunner {
  /** Why its connection is gone, once it is. */
  lost?: Error;
  /** Once it is connected and until it is released. */
  readonly databaseConnection?: pg.ClientBase;
  /** With an error: the connection is closed at once, whatever runs on it, rather than given back. */
  releasePostgresConnection(error?: Error): Promise<void>;
}

/**
 * A TypeORM data source over a pool that is given. TypeORM's own `initialize` connects and asks for version, database and
 * schema, so a service could not start while its database is away; here nothing goes over the wire.
 */
export class PooledDataSource extends DataSource {
  private readonly lost: (error: unknown) => void;

  constructor(private readonly settings: PooledDataSourceOptions) {
    const { entities, migrations, database } = settings;
    super({
      type: 'postgres',
      database,
      ...(entities && { entities }),
      ...(migrations && { migrations }),
      logger: SILENT,
      installExtensions: false,
    });
    this.lost = settings.lost ?? (() => undefined);
  }

  override async initialize(): Promise<this> {
    const { driver } = this as unknown as { driver: PostgresInternals };
    driver.master = this.settings.pool;
    driver.version = '17.0';
    driver.database = this.settings.database;
    driver.searchSchema = driver.schema = 'public';
    driver.isGeneratedColumnsSupported = true;
    await this.buildMetadatas();
    (this as { isInitialized: boolean }).isInitialized = true;
    return this;
  }

  override createQueryRunner(mode?: ReplicationMode): GuardedQueryRunner {
    const runner = super.createQueryRunner(mode) as GuardedQueryRunner;
    const release = runner.releasePostgresConnection.bind(runner);
    runner.releasePostgresConnection = (error) => {
      if (error && !runner.isReleased) {
        runner.lost = error;
        // pg's own end would wait for what runs on it, while the pool gives its place away.
        if (runner.databaseConnection) streamOf(runner.databaseConnection).destroy();
      }
      return release(error);
    };
    const query = runner.query.bind(runner) as Query;
    const guarded: Query = async (sql, parameters, structured) => {
      if (runner.lost) throw new ConnectionLostError(runner.lost);
      try {
        return await query(sql, parameters, structured);
      } catch (error) {
        hideValues(error);
        if (isUnavailable(error)) {
          this.lost(error);
          // pg leaves a connection whose query timed out busy with it, and one to a standby is of no use.
          await runner.releasePostgresConnection(error as Error);
        }
        throw error;
      }
    };
    runner.query = guarded as QueryRunner['query'];
    return runner;
  }
}

type Query = (sql: string, parameters?: unknown[], structured?: boolean) => Promise<unknown>;

interface PostgresInternals {
  master: pg.Pool;
  version: string;
  database: string;
  schema: string;
  searchSchema: string;
  isGeneratedColumnsSupported: boolean;
}

/** A logged error must not carry the values of a row. */
export function hideValues(error: unknown): void {
  for (let e = error; typeof e === 'object' && e !== null; e = (e as { driverError?: unknown }).driverError)
    for (const field of ['parameters', 'detail', 'where', 'internalQuery'])
      if (field in e)
        Object.defineProperty(e, field, { enumerable: false, configurable: true, writable: true, value: Reflect.get(e, field) });
}
