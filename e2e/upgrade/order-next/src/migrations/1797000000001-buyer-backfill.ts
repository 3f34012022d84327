import { createIndexConcurrently } from '@ballast/database';
import type { MigrationInterface, QueryRunner } from 'typeorm';

const BATCH = 1_000;

/** Fills the new column of the rows that were there before it, and indexes it. Each batch is a transaction of its own and holds few rows. */
export class BuyerBackfill1797000000001 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    for (let filled = BATCH; filled === BATCH;)
      [, filled] = (await runner.query(
        `UPDATE orders SET buyer_id = account_id
         WHERE id IN (SELECT id FROM orders WHERE buyer_id IS NULL LIMIT ${BATCH})`,
      )) as [unknown, number];
    await createIndexConcurrently(runner, 'orders_buyer', 'orders (buyer_id, id DESC)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX CONCURRENTLY orders_buyer');
  }
}
