import { createIndexConcurrently } from '@ballast/database';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The settlement by sale, and what took effect lately. */
export class Sales1796100000000 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await createIndexConcurrently(
      runner,
      'operation_sale',
      `operation ((coalesce(reference, key)) COLLATE "C", seq) WHERE state = 'succeeded'`,
    );
    await createIndexConcurrently(
      runner,
      'operation_effective',
      `operation USING brin ((coalesce(due_at, received_at))) WITH (pages_per_range = 16)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX operation_sale');
    await runner.query('DROP INDEX operation_effective');
  }
}
