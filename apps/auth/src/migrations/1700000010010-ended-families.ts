import type { MigrationInterface, QueryRunner } from 'typeorm';

export class EndedFamilies1700000010010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX refresh_family_ended_at ON refresh_family (ended_at) WHERE ended_at IS NOT NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX refresh_family_ended_at');
  }
}
