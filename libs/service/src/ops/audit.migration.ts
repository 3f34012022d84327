import type { MigrationInterface, QueryRunner } from 'typeorm';

const DAY = 86_400_000;
/** ms a row is kept. Longer than the year for which the database itself refuses to delete it. */
export const AUDIT_KEEP = 400 * DAY;

/** Rows are added and, a year later, deleted by retention. Nothing else: the database refuses it, also to the service's own role. */
export class OpsAudit1700000000110 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE ops_audit (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT now(),
        account_id uuid NOT NULL,
        method text NOT NULL,
        path text NOT NULL,
        what text NOT NULL,
        outcome text NOT NULL CHECK (outcome IN ('DONE', 'REFUSED', 'FAILED', 'UNKNOWN')),
        code text,
        detail jsonb NOT NULL,
        trace_id text
      )`);
    await runner.query(`CREATE INDEX ops_audit_at ON ops_audit (at)`);
    await runner.query(`
      CREATE FUNCTION ops_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'DELETE' AND OLD.at < now() - interval '365 days' THEN RETURN OLD; END IF;
        RAISE EXCEPTION 'ops_audit is append-only for a year' USING ERRCODE = 'integrity_constraint_violation';
      END $$`);
    await runner.query(`
      CREATE TRIGGER ops_audit_append_only BEFORE UPDATE OR DELETE ON ops_audit FOR EACH ROW EXECUTE FUNCTION ops_audit_is_append_only()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ops_audit');
    await runner.query('DROP FUNCTION ops_audit_is_append_only()');
  }
}
