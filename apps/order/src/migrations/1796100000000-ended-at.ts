import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When an order ended. By a trigger, so that it is filled in by the version before this one, too. */
export class EndedAt1796100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders ADD COLUMN ended_at timestamptz');
    await runner.query(`
      CREATE FUNCTION orders_ended() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.ended_at := now();
        RETURN NEW;
      END $$`);
    await runner.query(`
      CREATE TRIGGER orders_ended BEFORE UPDATE ON orders FOR EACH ROW
      WHEN (OLD.status = 'PENDING' AND NEW.status <> 'PENDING') EXECUTE FUNCTION orders_ended()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER orders_ended ON orders');
    await runner.query('DROP FUNCTION orders_ended');
    await runner.query('ALTER TABLE orders DROP COLUMN ended_at');
  }
}
