import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateInventory1795350000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE product (
        sku            text COLLATE "C" PRIMARY KEY,
        name           text    NOT NULL,
        price_amount   bigint  NOT NULL CHECK (price_amount >= 0),
        price_currency text    NOT NULL CHECK (price_currency ~ '^[A-Z]{3}$'),
        on_hand        integer NOT NULL,
        reserved       integer NOT NULL DEFAULT 0,
        version        integer NOT NULL DEFAULT 1,
        CONSTRAINT product_never_oversold CHECK (reserved BETWEEN 0 AND on_hand)
      )`);
    await runner.query(`
      CREATE TABLE reservation (
        order_id uuid PRIMARY KEY,
        state    text NOT NULL CHECK (state IN ('HELD', 'COMMITTED', 'RELEASED')),
        refusal  text,
        since    timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT reservation_refused_holds_nothing CHECK (refusal IS NULL OR state = 'RELEASED')
      )`);
    await runner.query(`CREATE INDEX reservation_held ON reservation (since) WHERE state = 'HELD'`);
    await runner.query(`
      CREATE TABLE reservation_item (
        order_id uuid    NOT NULL REFERENCES reservation,
        sku      text COLLATE "C" NOT NULL REFERENCES product,
        quantity integer NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (order_id, sku)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE reservation_item, reservation, product');
  }
}
