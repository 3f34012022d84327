import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether a replica holds a session lock by which others see at once that it has died. The version before holds none, and is believed for as long as it said. */
export class RelayPresence1760000000250 implements MigrationInterface {
  readonly name = 'RelayPresence1760000000250';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE outbox_relay ADD COLUMN present boolean NOT NULL DEFAULT false`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE outbox_relay DROP COLUMN present`);
  }
}
