import { DBOS } from '@dbos-inc/dbos-sdk';
import type { Store } from './stage.js';

/** DBOS as its guide has it: a workflow of five steps, each written down in Postgres before the next begins. One process, no broker. */
export async function openDbos(store: Store): Promise<{ workflow(): Promise<unknown>; close(): Promise<void> }> {
  const pool = store.pool(20);
  const step = (id: string, n: number) => pool.query('INSERT INTO effect (chain, step) VALUES ($1, $2)', [id, n]);
  const workflow = DBOS.registerWorkflow(
    async (id: string) => {
      for (let n = 1; n <= 5; n++) await DBOS.runStep(async () => void (await step(id, n)), { name: `step ${n}` });
    },
    { name: 'checkout' },
  );
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: store.url, systemDatabasePoolSize: 20, logLevel: 'error', runAdminServer: false });
  await DBOS.launch();
  let count = 0;
  return {
    workflow: () => workflow(`workflow-${++count}`),
    close: async () => {
      await DBOS.shutdown();
      await pool.end();
    },
  };
}
