import { rmSync } from 'node:fs';

/** Ends the platform as Ctrl-C does. */
export default async function globalTeardown() {
  const { platform, home, close } = globalThis.ballastE2e ?? {};
  if (!platform) return;
  if (platform.exitCode === null) {
    const ended = new Promise((resolve) => platform.once('exit', resolve));
    platform.kill('SIGINT');
    await ended;
  }
  await close();
  rmSync(home, { recursive: true, force: true });
}
