import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ParkedReply1760000000310 implements MigrationInterface {
  readonly name = 'ParkedReply1760000000310';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE saga_parked_reply (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        saga_id uuid NOT NULL REFERENCES saga ON DELETE CASCADE,
        command_id uuid NOT NULL,
        command_type text NOT NULL,
        reply jsonb NOT NULL,
        trace jsonb NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT now(),
        error text
      ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`);
    await runner.query(`CREATE INDEX saga_parked_reply_saga ON saga_parked_reply (saga_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE saga_parked_reply`);
  }
}
