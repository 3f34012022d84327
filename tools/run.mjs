#!/usr/bin/env node
/**
 * The entry of every `npm start`, `npm test`, `npm run …`: needs nothing but Node. Installs when node_modules is missing or
 * behind the lock, builds when a source changed, then runs the command in this same process (so that a signal, or a kill,
 * meets the one that owns the children).
 */
import { spawn } from 'node:child_process';
import module from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { installIfNeeded } from './setup/install.mjs';
import { buildIfNeeded } from './setup/build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const COMMANDS = {
  start: { module: 'tools/cluster/dist/start.js', build: true },
  dev: { module: 'tools/dev/dist/dev.js', build: true },
  status: { module: 'tools/dev/dist/status.js', build: true },
  logs: { module: 'tools/dev/dist/logs.js', build: true },
  sync: { module: 'tools/sync.mjs', build: true },
  demo: { module: 'tools/cluster/dist/demo.js', build: true },
  dlq: { module: 'tools/ops/dist/dlq.js', build: true },
  ops: { module: 'tools/ops/dist/ops.js', build: true },
  chaos: { module: 'tools/chaos/dist/chaos.js', build: true },
  reconcile: { module: 'tools/reconcile/dist/reconcile.js', build: true },
  bench: { module: 'tools/bench/dist/bench.js', build: true },
  soak: { module: 'tools/soak/dist/soak.js', build: true },
  simulate: { module: 'tools/simulator/dist/simulate.js', build: true },
  'restore-drill': { module: 'tools/compose/dist/restore-drill.js', build: true },
  rollout: { module: 'tools/compose/dist/rollout.js', build: true },
  'test-cluster': { module: 'tools/test-cluster.mjs', build: true },
  schemas: { module: 'tools/schemas.mjs', build: true },
  test: { module: 'tools/test.mjs', build: false }, // its step `types` compiles
  build: { build: true },
};

const [name, ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (!command) fail(`unknown command "${name ?? ''}": one of ${Object.keys(COMMANDS).join(', ')}`);
const [major, minor] = process.versions.node.split('.').map(Number);
const oldest = { 20: 19, 22: 12 }[major] ?? (major >= 24 ? 0 : Infinity);
if (minor < oldest) fail(`Node ${process.versions.node} will not do: Ballast runs on 20.19, 22.12 or 24, and what is newer of each`);
if (process.platform === 'win32') fail('Ballast runs on Linux and macOS; on Windows, run it inside WSL');

// Compiled code is kept between starts (Node 22 and later), for this process and for every one it starts.
process.env.NODE_COMPILE_CACHE ??= join(root, '.ballast', 'compile-cache');
module.enableCompileCache?.();

try {
  const install = await installIfNeeded(root, run);
  const build = command.build ? await buildIfNeeded(root, run, { force: name === 'build' }) : undefined;
  // What the time went on before the command itself began; `npm start` shows it in its summary.
  process.env.BALLAST_PREPARED = JSON.stringify({ install, build });
} catch (error) {
  fail(error.message);
}
if (command.module) {
  process.argv = [process.argv[0], join(root, command.module), ...args];
  await import(pathToFileURL(join(root, command.module)).href);
}

/** Runs a program to its end; its output is shown only when it fails. */
function run(program, programArgs, { env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, programArgs, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => reject(new Error(`${program} cannot be started: ${error.message}`)));
    child.on('close', (code, signal) =>
      code === 0
        ? resolve(output)
        : reject(new Error(`${program} ${programArgs.join(' ')} failed (${signal ?? `exit ${code}`})\n${output}`)),
    );
  });
}

function fail(message) {
  console.error(`ballast: ${message}`);
  process.exit(1);
}
