import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Orders1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE orders (
        id         uuid PRIMARY KEY,
        account_id uuid NOT NULL,
        cart_id    uuid NOT NULL,
        status     text NOT NULL CHECK (status IN ('PENDING', 'CONFIRMED', 'REJECTED')),
        reason     text CHECK ((status = 'REJECTED') = (reason IS NOT NULL)),
        items      jsonb NOT NULL,
        total      jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query('CREATE INDEX orders_account ON orders (account_id, id DESC)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE orders');
  }
}
