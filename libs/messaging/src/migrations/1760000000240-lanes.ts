import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How many lanes there are, and which replicas relay. The table `outbox` stays as it is: a row's lane follows from its key when it is read,
 * so writers of the version before need not know of lanes, and nothing has to be rewritten beside traffic.
 */
export class Lanes1760000000240 implements MigrationInterface {
  readonly name = 'Lanes1760000000240';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE outbox_lanes (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        lanes smallint NOT NULL CHECK (lanes BETWEEN 1 AND 64),
        generation bigint NOT NULL
      )`);
    await runner.query(`INSERT INTO outbox_lanes (lanes, generation) VALUES (1, 1)`);
    await runner.query(`CREATE TABLE outbox_relay (owner text PRIMARY KEY, alive_until timestamptz NOT NULL) WITH (fillfactor = 10)`);
    // Of the few rows there, nullable: the version before inserts without it.
    await runner.query(`ALTER TABLE outbox_lane ADD COLUMN generation bigint`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE outbox_lane DROP COLUMN generation`);
    await runner.query(`DROP TABLE outbox_relay, outbox_lanes`);
  }
}
