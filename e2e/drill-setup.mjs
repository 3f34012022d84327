import { execFileSync, fork } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import teardown from './drill-teardown.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const START_LIMIT = 240_000;
/**
 * Beside a platform that runs already, its ports stay free. All of them are below 32768, as those of every platform of tests: from there on a port may
 * be a connection's own end, and for a minute after that was closed nobody can listen on it.
 */
const PORT_OFFSET = 20_000;

/** Starts one platform for all drills, in a directory and on ports of its own. */
export default async function setup() {
  // What `npm run build` makes, and the process that starts the platform here.
  const tsc = join(root, 'node_modules/typescript-native/bin/tsc');
  execFileSync(process.execPath, [tsc, '-b', 'tsconfig.build.json', 'e2e/tsconfig.lib.json'], { cwd: root, stdio: 'inherit' });

  const home = mkdtempSync(join(tmpdir(), 'ballast-drill-'));
  const args = [home, String(PORT_OFFSET)];
  const platform = fork(join(root, 'e2e/dist/drill.main.js'), args, {
    cwd: root,
    env: { ...process.env, NODE_ENV: undefined, KAFKA_BROKERS: undefined },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  globalThis.ballastDrill = { platform, home };
  const up = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the platform was not up after ${START_LIMIT / 1000} s`)), START_LIMIT);
    platform.once('message', resolve);
    platform.once('exit', (code) => reject(new Error(`the platform ended with ${code} before it was up: see above`)));
    platform.once('message', () => clearTimeout(timer));
    platform.once('exit', () => clearTimeout(timer));
  });
  const { url } = await up.catch(async (error) => {
    await teardown();
    throw error;
  });
  process.env.BALLAST_DRILL_HOME = home;
  process.env.BALLAST_DRILL_URL = url;
}
