import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Retention1760000000210 implements MigrationInterface {
  readonly name = 'Retention1760000000210';

  async up(runner: QueryRunner): Promise<void> {
    // A block range index is cheap only while rows lie in the order of their time, and the first deleted row ends that: new ones fill
    // its place. A b-tree takes each new row at its right end, rows of one transaction in one entry.
    await runner.query(`CREATE INDEX inbox_received_at ON inbox (received_at)`);
    await runner.query(`DROP INDEX inbox_received`);
    // As many go as come: vacuumed when a fiftieth is dead, and no slower than they die.
    await runner.query(`
      ALTER TABLE inbox SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0)`);
    await runner.query(`CREATE INDEX dead_letter_settled ON dead_letter (created_at) WHERE status <> 'OPEN'`);
    await runner.query(`CREATE INDEX parked_key_dead_letter ON parked_key (dead_letter_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX parked_key_dead_letter, dead_letter_settled`);
    await runner.query(
      `ALTER TABLE inbox RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay)`,
    );
    await runner.query(`CREATE INDEX inbox_received ON inbox USING brin (received_at) WITH (pages_per_range = 32)`);
    await runner.query(`DROP INDEX inbox_received_at`);
  }
}
