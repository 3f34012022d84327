import { Database, type DatabaseConfig } from '@ballast/database';
import { messagingMigrations } from '@ballast/messaging';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What handlers write, and what a business transaction changes. */
class BenchTables1760000000900 implements MigrationInterface {
  readonly name = 'BenchTables1760000000900';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL, version int NOT NULL) WITH (fillfactor = 50)`);
    await runner.query(`INSERT INTO account SELECT n, 0, 0 FROM generate_series(1, 10000) AS n`);
    await runner.query(`CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, chain text NOT NULL, step int NOT NULL)`);
  }
  async down(): Promise<void> {}
}

/** As a service opens it, with the tables of the messaging library and of the benchmarks. */
export async function openDatabase(config: DatabaseConfig, poolSize: number): Promise<Database> {
  const database = await Database.open({
    config: { ...config, poolSize, statementTimeout: '5m' },
    migrations: [...messagingMigrations, BenchTables1760000000900],
  });
  await database.ready;
  return database;
}
