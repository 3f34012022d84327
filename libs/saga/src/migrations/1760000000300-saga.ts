import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Saga1760000000300 implements MigrationInterface {
  readonly name = 'Saga1760000000300';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE saga (
        id uuid PRIMARY KEY,
        definition text NOT NULL,
        state jsonb NOT NULL,
        status text NOT NULL CHECK (status IN ('RUNNING', 'COMPENSATING', 'COMPLETED', 'COMPENSATED', 'STUCK')),
        step int NOT NULL,
        step_name text NOT NULL,
        direction text NOT NULL CHECK (direction IN ('forward', 'backward')),
        awaiting uuid,
        round int NOT NULL,
        attempts int NOT NULL,
        timer_at bigint,
        failure jsonb,
        trace jsonb NOT NULL,
        entries int NOT NULL,
        version int NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        CHECK ((finished_at IS NOT NULL) = (status IN ('COMPLETED', 'COMPENSATED'))),
        CHECK (finished_at IS NULL OR timer_at IS NULL)
      ) WITH (fillfactor = 70)`);
    await runner.query(`CREATE INDEX saga_timer ON saga (timer_at) WHERE timer_at IS NOT NULL`);
    await runner.query(`CREATE INDEX saga_unfinished ON saga (definition, status) WHERE finished_at IS NULL`);
    await runner.query(`
      CREATE TABLE saga_history (
        saga_id uuid NOT NULL REFERENCES saga ON DELETE CASCADE,
        seq int NOT NULL,
        step text NOT NULL,
        outcome text NOT NULL,
        code text,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        trace_id text,
        PRIMARY KEY (saga_id, seq)
      )`);
    await runner.query(`
      CREATE TABLE saga_clock (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        working_ms bigint NOT NULL,
        ticked_at timestamptz NOT NULL
      ) WITH (fillfactor = 10)`);
    await runner.query(`INSERT INTO saga_clock (working_ms, ticked_at) VALUES (0, clock_timestamp())`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE saga_clock, saga_history, saga`);
  }
}
