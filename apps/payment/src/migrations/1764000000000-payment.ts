import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Payment1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE payment (
        id uuid PRIMARY KEY,
        order_id uuid NOT NULL CONSTRAINT payment_one_per_order UNIQUE,
        account_id uuid,
        amount bigint NOT NULL,
        currency text CHECK (currency ~ '^[A-Z]{3}$'),
        token text,
        status text NOT NULL
          CHECK (status IN ('PENDING', 'AUTHORISED', 'DECLINED', 'CAPTURING', 'CAPTURED', 'CAPTURE_REFUSED', 'VOIDED')),
        refusal text CHECK (refusal IN ('PAYMENT_DECLINED', 'INSUFFICIENT_FUNDS', 'CAPTURE_REFUSED')),
        captured bigint NOT NULL DEFAULT 0,
        refunded bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT payment_never_past_the_amount CHECK (captured BETWEEN 0 AND amount),
        CONSTRAINT payment_never_past_the_capture CHECK (refunded BETWEEN 0 AND captured),
        CONSTRAINT payment_only_a_tombstone_has_no_account
          CHECK (status = 'VOIDED' OR (account_id IS NOT NULL AND currency IS NOT NULL)),
        CONSTRAINT payment_captured_has_status CHECK ((captured > 0) <= (status = 'CAPTURED'))
      )`);
    await runner.query(`
      CREATE TABLE refund (
        id uuid PRIMARY KEY,
        payment_id uuid NOT NULL REFERENCES payment,
        amount bigint NOT NULL CHECK (amount > 0),
        currency text NOT NULL,
        status text NOT NULL CHECK (status IN ('BOOKED', 'SUCCEEDED', 'REVERSED')),
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`CREATE INDEX refund_payment ON refund (payment_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE refund');
    await runner.query('DROP TABLE payment');
  }
}
