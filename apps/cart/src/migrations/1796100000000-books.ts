import { createIndexConcurrently } from '@ballast/database';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For whoever asks by order: every cart that became one, and those that wait for theirs. */
export class CartBooks1796100000000 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await createIndexConcurrently(runner, 'cart_order', 'cart (order_id) WHERE order_id IS NOT NULL');
    await createIndexConcurrently(runner, 'cart_checking_out', `cart (order_id) WHERE status = 'CHECKING_OUT'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX cart_order');
    await runner.query('DROP INDEX cart_checking_out');
  }
}
