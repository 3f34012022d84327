import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Reconciliation1796100000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE reconciliation_run (
        id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        cut_off     timestamptz NOT NULL,
        scope       text NOT NULL CHECK (scope IN ('full', 'changed')),
        judged      int NOT NULL,
        in_motion   int NOT NULL,
        differences int NOT NULL,
        duration_ms int NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query('CREATE INDEX reconciliation_run_cut_off ON reconciliation_run (cut_off)');
    await runner.query('CREATE INDEX reconciliation_run_recorded ON reconciliation_run (recorded_at)');
    await runner.query(`
      CREATE TABLE reconciliation_difference (
        id          uuid PRIMARY KEY,
        kind        text NOT NULL,
        subject     text NOT NULL,
        order_id    text,
        severity    text NOT NULL CHECK (severity IN ('page', 'ticket')),
        amount      bigint,
        currency    text,
        detail      text NOT NULL,
        repairs     int NOT NULL DEFAULT 0,
        last_repair text,
        first_seen  timestamptz NOT NULL,
        last_seen   timestamptz NOT NULL,
        resolved_at timestamptz
      )`);
    await runner.query('CREATE UNIQUE INDEX reconciliation_open ON reconciliation_difference (kind, subject) WHERE resolved_at IS NULL');
    await runner.query('CREATE INDEX reconciliation_resolved ON reconciliation_difference (resolved_at) WHERE resolved_at IS NOT NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE reconciliation_difference, reconciliation_run');
  }
}
