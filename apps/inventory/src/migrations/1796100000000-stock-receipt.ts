import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What came onto the shelf and left it other than by orders, so that `on_hand` can be proved: it is the sum of these less what orders
 * have committed. A new product's row is written by a trigger, also for the version before this one. That version's changes of an existing product's
 * stock are not in here: those it makes while both are at work are reported as a difference, and settled by a count.
 */
export class StockReceipt1796100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE stock_receipt (
        id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        sku       text COLLATE "C" NOT NULL REFERENCES product ON DELETE CASCADE,
        quantity  integer NOT NULL,
        why       text NOT NULL CHECK (why IN ('OPENING', 'SET', 'COUNT')),
        booked_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query('CREATE INDEX stock_receipt_sku ON stock_receipt (sku)');
    await runner.query(`
      CREATE FUNCTION stock_opening() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO stock_receipt (sku, quantity, why) VALUES (NEW.sku, NEW.on_hand, 'OPENING');
        RETURN NULL;
      END $$`);
    await runner.query('CREATE TRIGGER stock_opening AFTER INSERT ON product FOR EACH ROW EXECUTE FUNCTION stock_opening()');
    // One statement, so one snapshot of both: what is on the shelf, and what orders have taken from it.
    await runner.query(`
      INSERT INTO stock_receipt (sku, quantity, why)
      SELECT sku, on_hand + coalesce(sum(quantity) FILTER (WHERE state = 'COMMITTED'), 0), 'OPENING'
      FROM product LEFT JOIN reservation_item USING (sku) LEFT JOIN reservation USING (order_id) GROUP BY product.sku`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER stock_opening ON product');
    await runner.query('DROP FUNCTION stock_opening');
    await runner.query('DROP TABLE stock_receipt');
  }
}
