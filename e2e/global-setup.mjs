import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import globalTeardown from './global-teardown.mjs';
import { spanReceiver } from '../libs/tracing/dist/testing.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const START_LIMIT = 240_000;
/** Beside a platform that runs already, its ports stay free. */
const PORT_OFFSET = 21_000;

/**
 * Starts the platform as a reader does, in a directory of its own, with a collector that keeps every span. On a Kafka of its own
 * too: on one that is shared it would join the consumer groups of whatever runs there.
 */
export default async function globalSetup() {
  const receiver = await spanReceiver();
  const spans = createServer((_, response) => response.end(JSON.stringify(receiver.spans())));
  await new Promise((resolve) => spans.listen(0, '127.0.0.1', resolve));

  const home = mkdtempSync(join(tmpdir(), 'ballast-e2e-'));
  const args = [join(root, 'tools/run.mjs'), 'start', '--home', home, '--port-offset', String(PORT_OFFSET)];
  const platform = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, NODE_ENV: undefined, KAFKA_BROKERS: undefined, ...receiver.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  globalThis.ballastE2e = { platform, home, close: () => (spans.close(), receiver.close()) };
  try {
    await started(platform);
  } catch (error) {
    await globalTeardown();
    throw error;
  }
  process.env.BALLAST_E2E_HOME = home;
  process.env.BALLAST_E2E_COLLECTOR = JSON.stringify(receiver.env);
  process.env.BALLAST_E2E_SPANS = `http://127.0.0.1:${spans.address().port}`;
}

function started(platform) {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk) => {
      output += chunk;
      if (/Ctrl-C stops everything/.test(output)) finish(resolve);
    };
    const ended = (code) => finish(reject, new Error(`npm start ended with ${code} before it was up\n${output}`));
    const timer = setTimeout(() => finish(reject, new Error(`npm start was not up after ${START_LIMIT / 1000} s\n${output}`)), START_LIMIT);
    const finish = (settle, value) => {
      clearTimeout(timer);
      platform.off('exit', ended);
      settle(value);
    };
    platform.stdout.on('data', read);
    platform.stderr.on('data', read);
    platform.once('exit', ended);
  });
}
