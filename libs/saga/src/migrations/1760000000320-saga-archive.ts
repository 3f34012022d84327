import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Each saga is written half a dozen times and goes as it came: vacuumed when a twentieth is dead. */
const CHURN = ['autovacuum_vacuum_scale_factor = 0.05', 'autovacuum_vacuum_threshold = 1000', 'autovacuum_vacuum_cost_delay = 0'];

export class SagaArchive1760000000320 implements MigrationInterface {
  readonly name = 'SagaArchive1760000000320';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE saga_archive (
        id uuid PRIMARY KEY,
        definition text NOT NULL,
        status text NOT NULL CHECK (status IN ('COMPLETED', 'COMPENSATED')),
        failure jsonb,
        created_at timestamptz NOT NULL,
        finished_at timestamptz NOT NULL,
        history jsonb NOT NULL
      )`);
    await runner.query(`CREATE INDEX saga_finished ON saga (finished_at) WHERE finished_at IS NOT NULL`);
    for (const table of ['saga', 'saga_history']) await runner.query(`ALTER TABLE ${table} SET (${CHURN.join()})`);
  }

  async down(runner: QueryRunner): Promise<void> {
    const [archived] = (await runner.query(`SELECT FROM saga_archive LIMIT 1`)) as unknown[];
    if (archived) throw new Error('saga_archive is not empty: what is in it cannot become sagas again');
    await runner.query(`DROP TABLE saga_archive`);
    await runner.query(`DROP INDEX saga_finished`);
    const names = CHURN.map((setting) => setting.split(' ')[0]);
    for (const table of ['saga', 'saga_history']) await runner.query(`ALTER TABLE ${table} RESET (${names.join()})`);
  }
}
