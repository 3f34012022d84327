import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Operations1760000000230 implements MigrationInterface {
  readonly name = 'Operations1760000000230';

  async up(runner: QueryRunner): Promise<void> {
    // When it was dealt with, in which trace, and what the operator said: a letter that was open for long must not go on the next day.
    await runner.query(`ALTER TABLE dead_letter ADD settled_at timestamptz, ADD replay_trace_id text, ADD note text`);
    await runner.query(`UPDATE dead_letter SET settled_at = now() WHERE status <> 'OPEN'`);
    await runner.query(
      `ALTER TABLE dead_letter ADD CONSTRAINT dead_letter_status CHECK (status IN ('OPEN', 'REPLAYED', 'DISCARDED')) NOT VALID`,
    );
    await runner.query(`DROP INDEX dead_letter_settled`);
    await runner.query(`CREATE INDEX dead_letter_settled ON dead_letter (settled_at) WHERE status <> 'OPEN'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX dead_letter_settled`);
    await runner.query(`CREATE INDEX dead_letter_settled ON dead_letter (created_at) WHERE status <> 'OPEN'`);
    await runner.query(`ALTER TABLE dead_letter DROP CONSTRAINT dead_letter_status`);
    await runner.query(`ALTER TABLE dead_letter DROP settled_at, DROP replay_trace_id, DROP note`);
  }
}
