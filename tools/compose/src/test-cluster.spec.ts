import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';

const folder = mkdtempSync(join(tmpdir(), 'test-cluster-'));
const calls = join(folder, 'calls');
afterAll(() => rmSync(folder, { recursive: true }));
// Notes what it is asked, and builds nothing, with which a run ends.
beforeAll(() =>
  writeFileSync(join(folder, 'docker'), `#!/bin/sh\necho "$*" >> '${calls}'\ncase "$*" in 'compose build'*) exit 1 ;; esac\n`, {
    mode: 0o755,
  }),
);
beforeEach(() => writeFileSync(calls, ''));

/** `npm run test:cluster` on a Docker that is none. */
function testCluster(...args: string[]) {
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}` };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(workspaceRoot(), 'tools', 'test-cluster.mjs'), ...args], {
    ...{ env, encoding: 'utf8', cwd: folder, timeout: 30_000 },
  });
  return { status, stdout, stderr, asked: readFileSync(calls, 'utf8').trim().split('\n') };
}
const DOWN = 'compose down --volumes --timeout 5';

it('begins with nothing of an earlier run, and leaves nothing', () => {
  const { status, stdout, asked } = testCluster();
  expect(asked.filter((call) => /^compose (down|build|up)/.test(call))).toEqual([DOWN, 'compose build --quiet', DOWN]);
  expect(stdout).toMatch(/\n1 passed, 1 failed\n$/);
  expect(status).toBe(1);
});

it('leaves it up with --keep, and begins with nothing all the same', () => {
  expect(testCluster('--keep').asked.filter((call) => /^compose (down|build)/.test(call))).toEqual([DOWN, 'compose build --quiet']);
});

it.each([
  ['--kep', /^ballast: Unknown option '--kep'; see --help\n$/],
  ['now', /^ballast: Unexpected argument 'now'.*; see --help\n$/],
])('refuses %s in one line, and does nothing', (arg, message) => {
  const { status, stderr, asked } = testCluster('--all', arg);
  expect([status, asked]).toEqual([1, ['']]);
  expect(stderr).toMatch(message);
});

it('tells its options, and does nothing', () => {
  const { status, stdout, asked } = testCluster('--help');
  expect([status, asked]).toEqual([0, ['']]);
  for (const option of ['--all', '--keep']) expect(stdout).toContain(`  ${option}`);
});
