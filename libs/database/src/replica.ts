import type { ReplicationMode } from 'typeorm';
import { isUnavailable, sqlState } from './classify.js';
import { type GuardedQueryRunner, PooledDataSource, type PooledDataSourceOptions } from './data-source.js';

/** Reads from a replica. A read that a replica fails is done again on the primary: it is the same read. */
export class ReplicaDataSource extends PooledDataSource {
  constructor(
    settings: PooledDataSourceOptions,
    private readonly primary: PooledDataSource,
  ) {
    super(settings);
  }

  override createQueryRunner(mode?: ReplicationMode): GuardedQueryRunner {
    const runner = super.createQueryRunner(mode);
    const query = runner.query.bind(runner) as Query;
    const withFallback: Query = async (...args) => {
      try {
        return await query(...args);
      } catch (error) {
        if (runner.isTransactionActive || !isReplicasFault(error)) throw error;
        return this.onPrimary(args);
      }
    };
    runner.query = withFallback as GuardedQueryRunner['query'];
    return runner;
  }

  private async onPrimary(args: Parameters<Query>): Promise<unknown> {
    const runner = this.primary.createQueryRunner();
    try {
      return await (runner.query as Query)(...args);
    } finally {
      await runner.release();
    }
  }
}

type Query = (sql: string, parameters?: unknown[], structured?: boolean) => Promise<unknown>;

/** 40001 on a standby: what it read was vacuumed away on the primary. */
const isReplicasFault = (error: unknown): boolean => (isUnavailable(error) && sqlState(error) !== '25006') || sqlState(error) === '40001';
