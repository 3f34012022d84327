import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The settlement by sale, and what took effect lately. */
export class Sales1796100000000 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX CONCURRENTLY IF NOT EXISTS operation_sale ON operation ((coalesce(reference, key)) COLLATE "C", seq) WHERE state = 'succeeded'`);
    await runner.query(`
      CREATE INDEX CONCURRENTLY IF NOT EXISTS operation_effective ON operation USING brin ((coalesce(due_at, received_at))) WITH (pages_per_range = 16)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX operation_sale');
    await runner.query('DROP INDEX operation_effective');
  }
}
