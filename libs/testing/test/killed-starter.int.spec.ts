import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually, isRunning } from '../src/index.js';

let directory: string;
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('a starter that is killed with SIGKILL leaves neither Postgres nor Kafka running', async () => {
  directory = mkdtempSync(join(tmpdir(), 'ballast-killed-'));
  chmodSync(directory, 0o711);
  const starter = spawn(process.execPath, [join(__dirname, 'starter.mjs'), 'infrastructure', directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pids = JSON.parse(await firstLine(starter)) as number[];
  expect(pids.map(isRunning)).toEqual([true, true, true]);

  starter.kill('SIGKILL');

  await eventually(() => expect(pids.map(isRunning)).toEqual([false, false, false]), { timeout: 20_000 });
});

function firstLine(starter: ChildProcess): Promise<string> {
  return new Promise((resolve) => createInterface({ input: starter.stdout! }).once('line', resolve));
}
