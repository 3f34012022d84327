import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Operation1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE operation (
        key text PRIMARY KEY,
        seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        kind text CHECK (kind IN ('authorisation', 'capture', 'refund', 'cancellation')),
        state text NOT NULL CHECK (state IN ('received', 'processing', 'succeeded', 'failed', 'cancelled')),
        code text,
        digest text,
        target text,
        token text,
        reference text,
        amount bigint NOT NULL DEFAULT 0 CHECK (amount >= 0),
        currency text,
        captured bigint NOT NULL DEFAULT 0,
        refunded bigint NOT NULL DEFAULT 0,
        calls int NOT NULL DEFAULT 0,
        due_at timestamptz,
        received_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT operation_never_past_the_authorisation CHECK (captured BETWEEN 0 AND amount),
        CONSTRAINT operation_never_past_the_capture CHECK (refunded BETWEEN 0 AND captured)
      )`);
    await runner.query(`CREATE INDEX operation_reference ON operation (reference) WHERE state = 'succeeded'`);
    await runner.query(`CREATE INDEX operation_due ON operation (due_at) WHERE state = 'processing'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE operation');
  }
}
