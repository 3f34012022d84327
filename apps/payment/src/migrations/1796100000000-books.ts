import { createIndexConcurrently } from '@ballast/database';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For whoever asks what has changed lately. A block range index costs the payment's own updates nothing. */
export class PaymentBooks1796100000000 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await createIndexConcurrently(runner, 'payment_updated', 'payment USING brin (updated_at) WITH (pages_per_range = 16)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX payment_updated');
  }
}
