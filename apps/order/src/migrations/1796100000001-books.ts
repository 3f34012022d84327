import { createIndexConcurrently } from '@ballast/database';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For whoever asks what has changed: what is open, and what ended lately. Rows end in the order of their age, so a block range will do. */
export class OrderBooks1796100000001 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await createIndexConcurrently(runner, 'orders_pending', `orders (id) WHERE status = 'PENDING'`);
    await createIndexConcurrently(runner, 'orders_ended_at', 'orders USING brin (ended_at) WITH (pages_per_range = 16)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX orders_pending');
    await runner.query('DROP INDEX orders_ended_at');
  }
}
