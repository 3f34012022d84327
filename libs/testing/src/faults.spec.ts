import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from './child.js';
import { isRunning, killProcess, pauseFamily, pauseProcess } from './faults.js';
import { eventually } from './eventually.js';

let directory: string;
let logFile: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ballast-faults-'));
  logFile = join(directory, 'log');
});
afterAll(() => rmSync(directory, { recursive: true }));

it('pauses a process and lets it go on', async () => {
  const child = await startChild('sleeper', 'sleep', ['60']);
  const state = () => (process.platform === 'linux' ? /\) (.)/.exec(readFileSync(`/proc/${child.pid}/stat`, 'utf8'))?.[1] : undefined);

  const resume = pauseProcess(child.pid);
  if (process.platform === 'linux') await eventually(() => expect(state()).toBe('T'));
  resume();
  if (process.platform === 'linux') await eventually(() => expect(state()).not.toBe('T'));
  expect(isRunning(child.pid)).toBe(true);

  killProcess(child.pid);
  expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
  expect(isRunning(child.pid)).toBe(false);
});

it('pauses a process with all it has started', async () => {
  // The one that writes ends by itself when its parent is gone.
  const writer = 'while kill -0 $PPID 2>/dev/null; do echo on; sleep 0.01; done';
  const child = await startChild('parent', 'sh', ['-c', `sh -c '${writer}'; true`], { logFile, stopSignal: 'SIGKILL' });
  try {
    const written = () => statSync(logFile).size;
    await eventually(() => expect(written()).toBeGreaterThan(0));
    const resume = pauseFamily(child.pid);
    const size = written();
    await sleep(200);
    expect(written()).toBe(size);
    resume();
    await eventually(() => expect(written()).toBeGreaterThan(size));
  } finally {
    await child.stop();
  }
});
