import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AccountsSessionsKeys1700000010000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE account (
        id uuid PRIMARY KEY,
        email text NOT NULL,
        password_hash text NOT NULL,
        roles text[] NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX account_email ON account (lower(email));

      CREATE TABLE refresh_family (
        id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz
      );
      CREATE INDEX refresh_family_account ON refresh_family (account_id);
      CREATE INDEX refresh_family_expires_at ON refresh_family (expires_at);

      CREATE TABLE refresh_token (
        hash bytea PRIMARY KEY,
        family_id uuid NOT NULL REFERENCES refresh_family ON DELETE CASCADE,
        spent_at timestamptz,
        successor bytea UNIQUE,
        salt bytea,
        CHECK ((spent_at IS NULL) = (successor IS NULL))
      );
      CREATE INDEX refresh_token_family ON refresh_token (family_id);

      CREATE TABLE signing_key (
        kid text PRIMARY KEY,
        public_jwk jsonb NOT NULL,
        sealed_private text NOT NULL,
        signs_from timestamptz NOT NULL,
        published_until timestamptz
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE signing_key, refresh_token, refresh_family, account');
  }
}
