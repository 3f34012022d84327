import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { dropKafka, dropPostgres } from '../libs/testing/dist/index.js';

export default async function teardown() {
  const { platform, home } = globalThis.ballastDrill ?? {};
  if (!platform) return;
  if (platform.exitCode === null && platform.connected) {
    const ended = new Promise((resolve) => platform.once('exit', resolve));
    platform.disconnect();
    await ended;
  }
  dropPostgres(join(home, 'data', 'postgres'));
  dropKafka(join(home, 'data', 'kafka'));
  rmSync(home, { recursive: true, force: true });
}
