import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { asked } from './asked.js';
import { held } from './hold.js';
import { readExperiments } from './parse.js';
import { report } from './report.js';
import { load, type Run, save } from './results.js';

const experiments = readExperiments(join(workspaceRoot(), 'infra', 'chaos'));
const burn = experiments.get('false-failovers')!;
const leader = experiments.get('kafka-leader')!;

const trial = (n: number): Run['trials'][number] => ({
  ...{ trial: n, at: '2026-01-01T00:00:00Z', targets: ['kafka-1'], coordinates: [], notes: [], restarted: [], failovers: 0, back: 2_000 },
  ...{ violated: {}, recovery: 900, gap: 800, writer: 300, sagas: 4_000, acknowledged: 90, rows: 900, backwards: 0 },
  ...{ failed: {}, rude: 0, needless: 0, unserved: 0, resent: 0 },
});

/** As `chaos.ts` keeps a run of so many trials. */
function ran(name: string, options: Parameters<typeof asked>[1] = {}, trials = experiments.get(name)!.trials): Run {
  const { experiment, told } = asked(experiments.get(name)!, options);
  return {
    ...{ experiment: name, title: experiment.title, at: '2026-01-01T00:00:00Z', goals: experiment.goals, load: experiment.load },
    ...{ machine: { cores: 2, cpu: 'a cpu', memoryGb: 8, versions: {}, standIns: [] }, loadBefore: 1, accepted: 90, written: 900 },
    ...{ trials: Array.from({ length: trials }, (_, n) => trial(n + 1)), misses: [] },
    audit: { differences: [], lostWrites: 0, leftOut: 0 },
    ...told,
  };
}

it('the record of a run keeps a wait and a slack that were not the experiment’s, and they alone', () => {
  expect(asked(burn, { hold: 180_000, slack: 4, rate: 2 }).told).toEqual({ hold: 180_000, slack: 4 });
  expect(asked(burn, { hold: 30 * 60_000, slack: 1 }).told).toEqual({});
  expect(asked(burn, {}).told).toEqual({});
});

it('what they do to the experiment', () => {
  const { experiment } = asked(leader, { hold: 60_000, slack: 4, rate: 2 });
  expect(experiment.method).toContainEqual({ wait: 60_000 });
  expect([experiment.load.rate, experiment.goals.sagas]).toEqual([2, 4 * leader.goals.sagas!]);
});

it('refuses another wait for an experiment that has none', () => {
  const none = { ...burn, method: burn.method.filter((step) => !('wait' in step)) };
  expect(() => held(none, 1_000)).toThrow('false-failovers has no wait that --hold could take the place of');
});

it('a drill that was held shorter, or judged with more time, does not pass for the experiment', () => {
  const page = report([ran('false-failovers', { hold: 180_000 }), ran('kafka-leader', { slack: 4 })], experiments);
  expect(page).toContain('for 30 minutes, longest wait 180.0 s (the experiment says 1800.0 s).');
  expect(page).toContain('| [false-failovers](#false-failovers), longest wait 180.0 s (1800.0 s) | 1 |');
  expect(page).toContain('| ≤ 60.0 s (120.0 s for a coordinator), slack 4 |');
  expect(page).toMatch(/- goals: recovery ≤ 12.0 s, .*, slack 4 \(the experiment says recovery ≤ 3.00 s, .*\)\n/);
});

it('nor with its safeguard off', () => {
  const without = { name: 'share', what: 'a share', unnoticed: [] };
  const page = report([{ ...ran('false-failovers', { hold: 180_000, slack: 2 }), without }], experiments);
  expect(page).toContain('| false-failovers, longest wait 180.0 s (1800.0 s), slack 2 | a share |');
  expect(page).toContain(', longest wait 180.0 s (the experiment says 1800.0 s), without: a share.');
});

it('says when fewer trials were run; without a safeguard one is enough', () => {
  const two = ran('kafka-leader', {}, 2);
  expect(report([two], experiments)).toContain('| [kafka-leader](#kafka-leader) | 2 (3) | 1/s |');
  expect(report([two], experiments)).toContain('- trials: 2 (the experiment says 3)\n');
  const page = report([{ ...two, without: { name: 'copies', what: 'copies', unnoticed: [] } }], experiments);
  expect(page).not.toContain('(the experiment says');
});

it('says nothing of a run as its experiment is, nor of an experiment that is gone', () => {
  const text = /\(the experiment says|, longest wait|, slack/;
  expect(report([ran('false-failovers'), ran('kafka-leader')], experiments)).not.toMatch(text);
  expect(report([ran('kafka-leader', {}, 2)], new Map())).not.toMatch(text);
});

describe('the data', () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaos-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are read as they were written', () => {
    const run = ran('kafka-leader', { hold: 60_000, slack: 4 });
    save(folder, run);
    expect(load(folder)).toEqual([run]);
    expect(readFileSync(join(folder, 'kafka-leader.jsonl'), 'utf8').split('\n')[0]).toMatch(/"hold":60000,"slack":4/);
  });

  it('of earlier versions are read too', () => {
    const page = report(load(join(workspaceRoot(), 'docs', 'drills', 'data')), experiments);
    expect(page).toContain('### false-failovers, without share');
    expect(page).not.toMatch(/NaN|undefined/);
  });
});
