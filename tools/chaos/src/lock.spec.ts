import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import type { Docker } from './docker.js';
import { lock } from './lock.js';
import { readExperiments } from './parse.js';
import { bringBack, run } from './run.js';

const folder = mkdtempSync(join(tmpdir(), 'chaos-'));
afterAll(() => rmSync(folder, { recursive: true }));
const rollbackFile = join(folder, 'chaos', 'rollback-ballast.json');
const file = `${rollbackFile}.lock`;
afterEach(() => rmSync(file, { force: true }));

it('is taken once, and again when it was given back', () => {
  const release = lock(file);
  expect(() => lock(file)).toThrow(`another run on this project is under way (pid ${process.pid})`);
  release();
  expect(existsSync(file)).toBe(false);
  lock(file)();
});

it('of a process that was killed counts for nothing', () => {
  const { pid } = spawnSync('true');
  writeFileSync(file, JSON.stringify({ pid, startedAt: '1' }));
  lock(file)();
});

it('nor does one whose process id is another’s by now', () => {
  const release = lock(file);
  const owner = JSON.parse(readFileSync(file, 'utf8'));
  release();
  writeFileSync(file, JSON.stringify({ ...owner, startedAt: '1' }));
  lock(file)();
});

it('nor one that cannot be read', () => {
  writeFileSync(file, '');
  lock(file)();
});

describe('while a run is under way', () => {
  const calls: string[] = [];
  const docker: Docker = async (args) => {
    calls.push(args.join(' '));
    throw new Error('no engine answers');
  };
  const experiment = readExperiments(join(workspaceRoot(), 'infra', 'chaos')).get('kill-primary')!;
  const options = { docker, project: 'ballast', rollbackFile, say: () => undefined };
  const start = () => run({ ...options, experiment, trials: 1, signal: new AbortController().signal });
  const undo = { undo: 'start', name: 'cart-1', container: 'cart-1-id' };
  let release: () => void;
  beforeEach(() => {
    release = lock(file);
    writeFileSync(rollbackFile, JSON.stringify([undo]));
    calls.length = 0;
  });

  it.each([
    ['another one', start],
    ['--rollback', () => bringBack(options)],
  ])('%s is refused, and what it did is not undone', async (_, work) => {
    await expect(work()).rejects.toThrow('only one may be at a time');
    expect(calls).toEqual([]);
    expect(JSON.parse(readFileSync(rollbackFile, 'utf8'))).toEqual([undo]);
    expect(existsSync(file)).toBe(true);
  });

  it('and not when it has ended, however it did', async () => {
    release();
    rmSync(rollbackFile);
    await expect(start()).rejects.toThrow('no engine answers');
    expect(existsSync(file)).toBe(false);
    await bringBack(options);
    expect(existsSync(file)).toBe(false);
  });
});
