import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For whoever asks by order: every cart that became one, and those that wait for theirs. */
export class CartBooks1796100000000 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX CONCURRENTLY IF NOT EXISTS cart_order ON cart (order_id) WHERE order_id IS NOT NULL');
    await runner.query(`CREATE INDEX CONCURRENTLY IF NOT EXISTS cart_checking_out ON cart (order_id) WHERE status = 'CHECKING_OUT'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX cart_order');
    await runner.query('DROP INDEX cart_checking_out');
  }
}
