import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Rows come and go by the thousand here: vacuum after a fixed number of dead rows, unthrottled, or the table grows with every burst. */
const CHURN = `autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000`;

export class Messaging1760000000200 implements MigrationInterface {
  readonly name = 'Messaging1760000000200';

  async up(runner: QueryRunner): Promise<void> {
    // CACHE 1: a session that keeps ids back would hand them out after its neighbours' later ones.
    await runner.query(`CREATE SEQUENCE outbox_id_seq CACHE 1`);
    await runner.query(`
      CREATE TABLE outbox (
        id bigint PRIMARY KEY,
        lane smallint NOT NULL DEFAULT 0,
        topic text NOT NULL,
        key text NOT NULL,
        headers jsonb NOT NULL,
        payload text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        parked_at timestamptz,
        error text
      ) WITH (${CHURN}, toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000)`);
    await runner.query(`CREATE INDEX outbox_parked ON outbox (topic, key) WHERE parked_at IS NOT NULL`);
    await runner.query(`
      CREATE TABLE outbox_lane (
        lane smallint PRIMARY KEY,
        owner text NOT NULL,
        epoch bigint NOT NULL,
        lease_until timestamptz NOT NULL
      ) WITH (fillfactor = 10)`);

    await runner.query(`
      CREATE TABLE inbox (
        message_id text PRIMARY KEY,
        type text NOT NULL,
        topic text NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(),
        reply jsonb
      ) WITH (fillfactor = 90)`);
    // For the retention alone. Rows come in the order of their time, so a block range index finds the old ones at no cost per row.
    await runner.query(`CREATE INDEX inbox_received ON inbox USING brin (received_at) WITH (pages_per_range = 32)`);
    await runner.query(`
      CREATE TABLE dead_letter (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic text NOT NULL,
        partition int NOT NULL,
        "offset" bigint NOT NULL,
        key text NOT NULL,
        message_id text,
        type text,
        headers jsonb NOT NULL,
        payload text NOT NULL,
        reason text NOT NULL,
        error text NOT NULL,
        attempts int NOT NULL,
        trace_id text,
        created_at timestamptz NOT NULL DEFAULT now(),
        status text NOT NULL DEFAULT 'OPEN',
        UNIQUE NULLS NOT DISTINCT (topic, partition, "offset", message_id)
      )`);
    await runner.query(`CREATE INDEX dead_letter_open ON dead_letter (topic, key, id) WHERE status = 'OPEN'`);
    await runner.query(`
      CREATE TABLE parked_key (
        topic text NOT NULL,
        key text NOT NULL,
        dead_letter_id bigint NOT NULL REFERENCES dead_letter,
        since timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (topic, key)
      )`);

    await runner.query(`
      CREATE TABLE intent (
        id uuid PRIMARY KEY,
        kind text NOT NULL,
        payload jsonb NOT NULL,
        reply jsonb,
        trace jsonb NOT NULL,
        state text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'RUNNING', 'DONE')),
        attempts int NOT NULL DEFAULT 0,
        run_at timestamptz NOT NULL,
        claimed_by text,
        claimed_until timestamptz,
        last_error text,
        created_at timestamptz NOT NULL DEFAULT now(),
        done_at timestamptz
      ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`);
    await runner.query(`CREATE INDEX intent_open ON intent (kind, run_at) WHERE state <> 'DONE'`);
    await runner.query(`CREATE INDEX intent_done ON intent (done_at) WHERE state = 'DONE'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE intent, parked_key, dead_letter, inbox, outbox_lane, outbox`);
    await runner.query(`DROP SEQUENCE outbox_id_seq`);
  }
}
