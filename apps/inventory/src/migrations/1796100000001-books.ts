import { createIndexConcurrently } from '@ballast/database';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For whoever asks what has changed lately. Rows change in the order of their age, so a block range will do, and costs writers nothing. */
export class InventoryBooks1796100000001 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await createIndexConcurrently(runner, 'reservation_since', 'reservation USING brin (since) WITH (pages_per_range = 16)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX reservation_since');
  }
}
