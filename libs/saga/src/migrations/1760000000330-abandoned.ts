import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Abandoned1760000000330 implements MigrationInterface {
  readonly name = 'Abandoned1760000000330';

  async up(runner: QueryRunner): Promise<void> {
    // NOT VALID: every row is within the narrower rules that are dropped here, so none has to be read under the lock.
    await runner.query(`
      ALTER TABLE saga DROP CONSTRAINT saga_status_check, DROP CONSTRAINT saga_check,
        ADD CONSTRAINT saga_known_status CHECK (status IN ('RUNNING', 'COMPENSATING', 'COMPLETED', 'COMPENSATED', 'STUCK', 'ABANDONED')) NOT VALID,
        ADD CONSTRAINT saga_finished_status CHECK ((finished_at IS NOT NULL) = (status IN ('COMPLETED', 'COMPENSATED', 'ABANDONED'))) NOT VALID`);
    await runner.query(`
      ALTER TABLE saga_archive DROP CONSTRAINT saga_archive_status_check,
        ADD CONSTRAINT saga_archive_known_status CHECK (status IN ('COMPLETED', 'COMPENSATED', 'ABANDONED')) NOT VALID`);
  }

  async down(runner: QueryRunner): Promise<void> {
    // Fails, and changes nothing, when a saga was abandoned: an older version does not know what that is.
    await runner.query(`
      ALTER TABLE saga DROP CONSTRAINT saga_known_status, DROP CONSTRAINT saga_finished_status,
        ADD CONSTRAINT saga_status_check CHECK (status IN ('RUNNING', 'COMPENSATING', 'COMPLETED', 'COMPENSATED', 'STUCK')),
        ADD CONSTRAINT saga_check CHECK ((finished_at IS NOT NULL) = (status IN ('COMPLETED', 'COMPENSATED')))`);
    await runner.query(`
      ALTER TABLE saga_archive DROP CONSTRAINT saga_archive_known_status,
        ADD CONSTRAINT saga_archive_status_check CHECK (status IN ('COMPLETED', 'COMPENSATED'))`);
  }
}
