import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { dropPostgres } from '../libs/testing/dist/index.js';

/** Ends the platform as Ctrl-C does. */
export default async function globalTeardown() {
  const { platform, home, close } = globalThis.ballastE2e ?? {};
  if (!platform) return;
  if (platform.exitCode === null) {
    const ended = new Promise((resolve) => platform.once('exit', resolve));
    platform.kill('SIGINT');
    await ended;
  }
  dropPostgres(join(home, 'data', 'postgres')); // it may lie elsewhere: where the postgres user can read
  rmSync(home, { recursive: true, force: true });
  await close();
}
