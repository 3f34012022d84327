import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimRun, readRun, removeRun, writeRun } from './run-file.js';

describe('the file of what runs', () => {
  let directory: string;
  let file: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-run-'));
    file = join(directory, 'run.json');
  });
  afterEach(() => removeRun(file));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('can be read while its writer lives, by its owner', () => {
    writeRun(file, { gateway: 'http://127.0.0.1:8080' });
    expect(readRun(file)).toMatchObject({ pid: process.pid, gateway: 'http://127.0.0.1:8080', services: {} });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('keeps a second starter out', () => {
    expect(claimRun(file)).toEqual({ orphaned: false });
    expect(() => claimRun(file)).toThrow(`Ballast runs here already (pid ${process.pid}): stop it first`);
  });

  it('of a starter that was killed counts for nothing, but is noticed', () => {
    const { pid } = spawnSync('true');
    writeFileSync(file, JSON.stringify({ pid, startedAt: '1', services: {} }));
    expect(readRun(file)).toBeUndefined();
    expect(claimRun(file)).toEqual({ orphaned: true });
  });

  it('is not taken for one of another process that has its id by now', () => {
    if (process.platform !== 'linux') return;
    writeFileSync(file, JSON.stringify({ pid: process.pid, startedAt: '1', services: {} }));
    expect(readRun(file)).toBeUndefined();
  });
});
