import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Contract: no version that runs knows `account_id` any more. */
export class AccountDropped1797000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER orders_buyer ON orders');
    await runner.query('DROP FUNCTION orders_buyer');
    await runner.query('ALTER TABLE orders DROP COLUMN account_id, ALTER COLUMN buyer_id SET NOT NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders ADD COLUMN account_id uuid, ALTER COLUMN buyer_id DROP NOT NULL');
    await runner.query('UPDATE orders SET account_id = buyer_id');
    await runner.query('ALTER TABLE orders ALTER COLUMN account_id SET NOT NULL');
    await runner.query('CREATE INDEX orders_account ON orders (account_id, id DESC)');
    await runner.query(`
      CREATE FUNCTION orders_buyer() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.buyer_id := coalesce(NEW.buyer_id, NEW.account_id);
        NEW.account_id := coalesce(NEW.account_id, NEW.buyer_id);
        RETURN NEW;
      END $$`);
    await runner.query('CREATE TRIGGER orders_buyer BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION orders_buyer()');
  }
}
