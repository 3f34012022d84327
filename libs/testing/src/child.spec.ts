import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { logTail, startChild } from './child.js';
import { eventually } from './eventually.js';
import { isRunning } from './faults.js';

describe('a child', () => {
  let directory: string;
  let logFile: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-child-'));
    logFile = join(directory, 'log');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('stops when asked, with its own signal', async () => {
    const child = await startChild('sleeper', 'sleep', ['60'], { stopSignal: 'SIGINT' });
    expect(child.alive).toBe(true);
    expect(await child.stop()).toEqual({ code: null, signal: 'SIGINT' });
    expect(child.alive).toBe(false);
  });

  it('is forced when it does not listen', async () => {
    const child = await startChild('deaf', 'sh', ['-c', `trap '' TERM; echo ready; while :; do sleep 0.05; done`], { logFile });
    await eventually(() => expect(logTail(logFile)).toContain('ready'));
    expect(await child.stop({ grace: 50 })).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('writes both of its outputs to its log', async () => {
    const child = await startChild('writer', 'sh', ['-c', 'echo out; echo err >&2; exit 3'], { logFile });
    expect(await child.exited).toEqual({ code: 3, signal: null });
    expect(readFileSync(logFile, 'utf8')).toMatch(/out\nerr\n$/);
  });

  it('that is not there is an error with its name', async () => {
    await expect(startChild('Java', '/nowhere/java', [])).rejects.toThrow(/^Java could not be started: .*ENOENT/);
  });

  it('does not outlive a starter that was killed with SIGKILL', async () => {
    const starter = fixture('children');
    const pids = JSON.parse(await firstLine(starter)) as number[];
    expect(pids.map(isRunning)).toEqual([true, true]);

    starter.kill('SIGKILL');

    await eventually(() => expect(pids.map(isRunning)).toEqual([false, false]));
  }, 30_000);
});

function fixture(name: string): ChildProcess {
  return spawn(process.execPath, [join(__dirname, '../test/starter.mjs'), name], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function firstLine(starter: ChildProcess): Promise<string> {
  return new Promise((resolve) => createInterface({ input: starter.stdout! }).once('line', resolve));
}
