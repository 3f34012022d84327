import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { dropKafka, dropPostgres } from '../libs/testing/dist/index.js';

/** Ends the platform as Ctrl-C does. */
export default async function globalTeardown() {
  const { platform, home, close } = globalThis.ballastE2e ?? {};
  if (!platform) return;
  if (platform.exitCode === null) {
    const ended = new Promise((resolve) => platform.once('exit', resolve));
    platform.kill('SIGINT');
    await ended;
  }
  // They may lie elsewhere: where the postgres user can read, and in a volume of Docker's.
  dropPostgres(join(home, 'data', 'postgres'));
  dropKafka(join(home, 'data', 'kafka'));
  rmSync(home, { recursive: true, force: true });
  await close();
}
