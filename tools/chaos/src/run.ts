import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError, messageOf } from '@ballast/cluster';
import { Actions } from './actions.js';
import { booksOf, merchantOf } from './books.js';
import { Containers } from './containers.js';
import type { Docker } from './docker.js';
import type { Experiment } from './experiment.js';
import { KafkaView } from './kafka.js';
import { Load, type OrderEnd } from './load.js';
import { lock } from './lock.js';
import { codeOf, machineOf } from './machine.js';
import { measure, type Seen } from './measure.js';
import { Patroni } from './patroni.js';
import type { Run } from './results.js';
import { Rollback } from './rollback.js';
import { runTrial, type TrialFacts } from './trial.js';
import { judge, seconds, type Trial, unnoticed } from './verdict.js';
import { Writer } from './writer.js';

export interface RunOptions {
  docker: Docker;
  project: string;
  experiment: Experiment;
  trials: number;
  /** The safeguard that is taken away. */
  without?: string;
  /** Where what is to be undone is kept, for the case that this process is killed. */
  rollbackFile: string;
  signal: AbortSignal;
  say: (line: string) => void;
}

/** For the end of every order after the last trial. */
const PATIENCE = 180_000;

/** Of one project one thing at a time: another would undo a fault that is still to be measured. */
async function alone<T>(rollbackFile: string, work: () => Promise<T>): Promise<T> {
  const release = lock(`${rollbackFile}.lock`);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Brings back what an earlier run left. @throws {ClusterError} while a run is under way */
export function bringBack({
  docker,
  project,
  rollbackFile,
  say,
}: Pick<RunOptions, 'docker' | 'project' | 'rollbackFile' | 'say'>): Promise<void> {
  return alone(rollbackFile, async () => {
    const patroni = new Patroni(new Containers(docker, project));
    const rollback = new Rollback(docker, (settings) => patroni.set(settings), rollbackFile);
    say(rollback.length ? `bringing back ${rollback.length} things` : 'nothing is left of an earlier run');
    await rollback.all();
  });
}

/**
 * An experiment with all its trials, its load before, between and after them, and the books in the end.
 *
 * @throws {ClusterError} while another run on the project is under way
 */
export const run = (options: RunOptions): Promise<Run> => alone(options.rollbackFile, () => runAlone(options));

async function runAlone({ docker, project, experiment, trials: count, without, rollbackFile, signal, say }: RunOptions): Promise<Run> {
  const containers = new Containers(docker, project);
  const patroni = new Patroni(containers);
  const views = { containers, patroni, kafka: new KafkaView(docker, containers) };
  const rollback = new Rollback(docker, (settings) => patroni.set(settings), rollbackFile);
  if (rollback.length) {
    say(`an earlier run left ${rollback.length} things behind: bringing them back`);
    await rollback.all();
  }
  const safeguard = without === undefined ? undefined : experiment.safeguards[without];
  const loadBefore = loadavg()[1]!;
  const machine = { ...(await machineOf(docker, containers)), ...(await codeOf()) };
  const writer = new Writer(containers, patroni, rollback);
  let load: Load | undefined;
  try {
    load = await openLoad(experiment, containers, patroni, signal, say);
    await writer.start();
    load.start();
    const facts: TrialFacts[] = [];
    const actions = new Actions(docker, containers, rollback);
    for (let trial = 1; trial <= count; trial++) {
      const done = await runTrial(experiment, trial, safeguard?.off ?? [], {
        ...{ views, actions, rollback, writer, load, signal, say, calm: 3_000 },
      });
      facts.push(done);
      const seen = measure(done, seenBy(load, writer));
      say(
        `trial ${trial}/${count}: recovery ${shown(seen.recovery)}, writer ${shown(seen.writer)}, longest gap ${shown(seen.gap)}, steady again after ${shown(done.back)}`,
      );
      if (writer.ended) say(`the bare writer ${writer.ended}: what it would have shown is missing`);
      // What does not come back by itself says nothing of another trial.
      if (done.back === undefined) break;
    }
    const { differences, ends } = await load.settle(PATIENCE);
    const lostWrites = await writer.lost();
    const seen = seenBy(load, writer, ends);
    const measured = facts.map((each): Trial => {
      const { startedAt: _, faultAt, endedAt: __, ...own } = each;
      return { ...own, at: new Date(faultAt).toISOString(), ...measure(each, seen) };
    });
    const audit = { differences, lostWrites, leftOut: load.leftOut, ...(writer.ended && { writerEnded: writer.ended }) };
    const misses = judge(experiment.goals, measured, audit);
    const { name, title, goals, load: asked } = experiment;
    return {
      ...{ experiment: name, title, goals, load: asked, machine, loadBefore, trials: measured, audit, misses },
      ...{ at: new Date().toISOString(), accepted: seen.acknowledged.length, written: writer.writes.length },
      ...(safeguard && { without: { name: without!, what: safeguard.what, unnoticed: unnoticed(safeguard.red, misses) } }),
    };
  } finally {
    await load?.abandon();
    await rollback.all();
  }
}

const seenBy = ({ acknowledged, answers, unserved, resent }: Load, { writes }: Writer, ends: OrderEnd[] = []): Seen => ({
  ...{ acknowledged, writes, ends, failures: answers.failures, unserved, resent },
});

/** Signs up buyers. The platform may just have been brought back: it is given a while. */
async function openLoad(
  { load }: Experiment,
  containers: Containers,
  patroni: Patroni,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Load> {
  const all = [...(await containers.list()).values()];
  const gateways = all.flatMap(({ name, ports }) =>
    /^gateway/.test(name) && ports['8080/tcp'] ? [`http://127.0.0.1:${ports['8080/tcp']}`] : [],
  );
  if (!gateways.length) throw new ClusterError('no gateway is published on this machine');
  say(`${load.buyers} buyers sign up at ${gateways.join(', ')}`);
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await Load.open({ gateways, merchant: await merchantOf(containers), ...load, sources: booksOf(containers, patroni) });
    } catch (error) {
      if (attempt === 5) throw error;
      say(`not yet: ${messageOf(error)}`);
      await sleep(3_000, undefined, { signal });
    }
  }
}

const shown = (ms: number | undefined): string => (ms === undefined ? 'never' : seconds(ms));
