import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Expand: `account_id` gets its new name `buyer_id` beside the old one. Whichever a version writes, the database fills in the other. */
export class BuyerColumn1797000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders ADD COLUMN buyer_id uuid');
    await runner.query(`
      CREATE FUNCTION orders_buyer() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.buyer_id := coalesce(NEW.buyer_id, NEW.account_id);
        NEW.account_id := coalesce(NEW.account_id, NEW.buyer_id);
        RETURN NEW;
      END $$`);
    await runner.query('CREATE TRIGGER orders_buyer BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION orders_buyer()');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER orders_buyer ON orders');
    await runner.query('DROP FUNCTION orders_buyer');
    await runner.query('ALTER TABLE orders DROP COLUMN buyer_id');
  }
}
