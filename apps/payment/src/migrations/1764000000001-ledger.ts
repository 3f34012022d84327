import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The database itself keeps the books: what does not balance cannot commit, what is written stays as it is. */
export class Ledger1764000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE ledger_transaction (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('CAPTURE', 'REFUND', 'REFUND_REVERSAL')),
        reference uuid NOT NULL,
        booked_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT ledger_transaction_once UNIQUE (kind, reference)
      )`);
    await runner.query(`
      CREATE TABLE ledger_entry (
        id uuid PRIMARY KEY,
        transaction_id uuid NOT NULL REFERENCES ledger_transaction,
        account text NOT NULL CHECK (account IN ('psp-receivable', 'sales', 'refunds')),
        currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        debit bigint NOT NULL CHECK (debit >= 0),
        credit bigint NOT NULL CHECK (credit >= 0),
        CONSTRAINT ledger_entry_has_one_side CHECK ((debit > 0) <> (credit > 0))
      )`);
    await runner.query(`CREATE INDEX ledger_entry_transaction ON ledger_entry (transaction_id)`);

    // Deferred to the end of the transaction, since two sides cannot be written at the same instant.
    await runner.query(`
      CREATE FUNCTION ledger_must_balance() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE
        booked uuid := CASE WHEN TG_TABLE_NAME = 'ledger_transaction' THEN NEW.id ELSE (to_jsonb(NEW) ->> 'transaction_id')::uuid END;
      BEGIN
        IF NOT EXISTS (SELECT FROM ledger_entry WHERE transaction_id = booked) THEN
          RAISE EXCEPTION 'ledger transaction % has no entries', booked USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
        END IF;
        IF EXISTS (SELECT FROM ledger_entry WHERE transaction_id = booked GROUP BY currency HAVING sum(debit) <> sum(credit)) THEN
          RAISE EXCEPTION 'ledger transaction % does not balance', booked USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
        END IF;
        RETURN NULL;
      END $$`);
    await runner.query(`
      CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT ON ledger_entry
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_must_balance()`);
    await runner.query(`
      CREATE CONSTRAINT TRIGGER ledger_not_empty AFTER INSERT ON ledger_transaction
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_must_balance()`);

    await runner.query(`
      CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is append-only: book a reversal instead of a %', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
      END $$`);
    for (const table of ['ledger_transaction', 'ledger_entry']) {
      await runner.query(`
        CREATE TRIGGER ${table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table}
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()`);
      await runner.query(revokeAllButAppend(table));
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ledger_entry, ledger_transaction');
    await runner.query('DROP FUNCTION ledger_must_balance(), ledger_is_append_only()');
  }
}

/** Takes back from every role but the owner what the default privileges gave it. */
const revokeAllButAppend = (table: string): string => `
  DO $$
  DECLARE holder text;
  BEGIN
    FOR holder IN SELECT DISTINCT grantee FROM information_schema.role_table_grants WHERE table_name = '${table}' AND grantee <> current_user LOOP
      EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON ${table} FROM %I', holder);
    END LOOP;
  END $$`;
