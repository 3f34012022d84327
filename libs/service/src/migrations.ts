import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OpsAudit1700000000110 } from './ops/audit.migration.js';

/** What every service with a database has of its own: kept answers and cached keys. */
export class ServiceTables1700000000100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE idempotency_key (
        scope bytea PRIMARY KEY,
        body_hash bytea NOT NULL,
        status smallint NOT NULL,
        body jsonb NOT NULL,
        headers jsonb NOT NULL,
        expires_at timestamptz NOT NULL
      );
      CREATE INDEX idempotency_key_expires_at ON idempotency_key (expires_at);
      CREATE TABLE jwks_cache (
        id boolean PRIMARY KEY CHECK (id),
        keys jsonb NOT NULL,
        fetched_at timestamptz NOT NULL
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE jwks_cache; DROP TABLE idempotency_key;');
  }
}

export const serviceMigrations = [ServiceTables1700000000100, OpsAudit1700000000110];
