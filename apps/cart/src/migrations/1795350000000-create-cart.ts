import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateCart1795350000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE catalogue (
        sku            text    PRIMARY KEY,
        name           text    NOT NULL,
        price_amount   bigint  NOT NULL,
        price_currency text    NOT NULL,
        version        integer NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE cart (
        id         uuid PRIMARY KEY,
        account_id uuid    NOT NULL,
        number     integer NOT NULL,
        status     text    NOT NULL CHECK (status IN ('OPEN', 'CHECKING_OUT', 'CLOSED')),
        order_id   uuid,
        version    integer NOT NULL,
        CONSTRAINT cart_number UNIQUE (account_id, number),
        CONSTRAINT cart_open_has_no_order CHECK ((status = 'OPEN') = (order_id IS NULL))
      )`);
    await runner.query(`CREATE UNIQUE INDEX cart_one_per_account ON cart (account_id) WHERE status <> 'CLOSED'`);
    await runner.query(`
      CREATE TABLE cart_item (
        cart_id        uuid    NOT NULL REFERENCES cart,
        sku            text    NOT NULL REFERENCES catalogue,
        position       integer NOT NULL,
        quantity       integer NOT NULL CHECK (quantity BETWEEN 1 AND 999),
        name           text    NOT NULL,
        price_amount   bigint  NOT NULL,
        price_currency text    NOT NULL,
        PRIMARY KEY (cart_id, sku)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE cart_item, cart, catalogue');
  }
}
