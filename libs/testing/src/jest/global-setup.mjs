import { register } from 'node:module';

/** Starts Postgres and Kafka once for a Jest run. The work is in TypeScript, see test-infrastructure.ts. */
export default async function setUp() {
  register('./typescript-hook.mjs', import.meta.url);
  const { startTestInfrastructure } = await import('../test-infrastructure.ts');
  globalThis.ballastTestInfrastructure = await startTestInfrastructure();
}
