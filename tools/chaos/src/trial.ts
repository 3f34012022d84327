import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@ballast/cluster';
import { type Actions, atOnce } from './actions.js';
import { type Experiment, faultsOf, type Step } from './experiment.js';
import type { Load } from './load.js';
import type { Window } from './measure.js';
import type { Rollback } from './rollback.js';
import { shopping, untilSteady } from './steady.js';
import { Targets, type Views } from './targets.js';
import type { Trial } from './verdict.js';
import type { Writer } from './writer.js';

export interface Setting {
  views: Views;
  actions: Pick<Actions, 'do' | 'sabotage'>;
  rollback: Rollback;
  writer: Pick<Writer, 'commitInside'>;
  load: Load;
  signal: AbortSignal;
  /** Milliseconds of calm before a fault that are looked at with it. */
  calm: number;
  say: (line: string) => void;
}

/** What a trial knows of itself when it is over; the rest is measured from what load and writer saw. */
export type TrialFacts = Window &
  Pick<Trial, 'trial' | 'targets' | 'coordinates' | 'notes' | 'restarted' | 'failovers' | 'back' | 'violated'>;

const LOOK_EVERY = 250;

/**
 * One trial: the hypothesis is checked, the cluster disturbed, brought back, and the hypothesis checked again. Whatever happens in
 * between, also the end of `signal`, everything is brought back.
 *
 * @throws when it could not begin, was broken off, or could not be brought back
 */
export async function runTrial(experiment: Experiment, trial: number, off: readonly Step[], setting: Setting): Promise<TrialFacts> {
  const { views, rollback, load, signal, calm, say } = setting;
  const { steadyState, method } = experiment;
  const targets = new Targets(views, trial - 1);
  await untilSteady(steadyState, views, load, signal);
  const before = await snapshot(views);
  await sleep(calm, undefined, { signal });
  const startedAt = Date.now() - calm;
  const watch = watching(experiment, load);
  const notes: string[] = [];
  let faultAt: number | undefined;
  let back: number | undefined;
  try {
    // Who is meant is settled while everything is well: afterwards there may be nobody left to ask, or somebody else.
    for (const { on } of faultsOf(method)) await targets.resolve(on);
    for (const step of off) await take(step, targets, notes, setting);
    for (const step of method) {
      const at = await take(step, targets, notes, setting);
      faultAt ??= at;
    }
    for (const step of experiment.rollback) await take(step, targets, notes, setting);
  } catch (error) {
    watch.stop();
    throw error;
  } finally {
    await rollback.all(({ name }) => name !== 'writer');
  }
  try {
    back = await untilSteady(steadyState, views, load, signal);
  } catch (error) {
    signal.throwIfAborted();
    say(messageOf(error));
  }
  const after = await snapshot(views);
  return {
    ...{ trial, startedAt, faultAt: faultAt ?? startedAt, endedAt: Date.now(), violated: watch.stop() },
    ...{ targets: targets.all, coordinates: targets.coordinates, notes },
    ...(back !== undefined && { back }),
    restarted: [...after.started]
      .filter(([name, at]) => before.started.get(name) !== at && !targets.all.includes(name))
      .map(([name]) => name),
    ...(after.timeline !== undefined && before.timeline !== undefined && { failovers: after.timeline - before.timeline }),
  };
}

/** Gives when the fault happened, of a step that is one. */
async function take(step: Step, targets: Targets, notes: string[], setting: Setting): Promise<number | undefined> {
  const { actions, rollback, writer, views, load, signal, say } = setting;
  signal.throwIfAborted();
  if ('together' in step) {
    const times = await atOnce(step.together.map((fault) => take(fault, targets, notes, setting)));
    return Math.min(...times.filter((at) => at !== undefined));
  }
  if ('commitInside' in step) {
    for (const name of await targets.resolve(step.commitInside)) {
      const note = await writer.commitInside(name);
      say(note);
      notes.push(note);
    }
    return;
  }
  if ('wait' in step) return void (await sleep(step.wait, undefined, { signal }));
  if ('untilAcknowledged' in step) return untilAcknowledged(load, step.untilAcknowledged, signal);
  if ('patroni' in step) {
    say(`patroni ${JSON.stringify(step.patroni)}`);
    const settings = await views.patroni.settings(Object.keys(step.patroni));
    rollback.plan({ undo: 'patroni', name: 'patroni', settings });
    return void (await views.patroni.set(step.patroni));
  }
  if ('sabotage' in step) {
    // They are met like any target: that they were started anew is no restart.
    for (const name of await targets.resolve(`all of ${step.services.join(', ')}`)) {
      signal.throwIfAborted();
      say(`${name} starts anew with ${step.sabotage}`);
      await actions.sabotage(name, step.sabotage);
    }
    return;
  }
  const names = await targets.resolve(step.on);
  say(`${'do' in step ? step.do : step.undo} ${names.join(', ')}`);
  if ('undo' in step) return void (await rollback.undo(step.undo, names));
  return actions.do(step.do, names);
}

async function untilAcknowledged(load: Load, patience: number, signal: AbortSignal): Promise<undefined> {
  const from = Date.now();
  while (Date.now() - from < patience && !((load.lastAcknowledged?.asked ?? 0) >= from)) await sleep(20, undefined, { signal });
}

/** The timeline is undefined when no primary is known. */
async function snapshot({ containers, patroni }: Views): Promise<{ started: Map<string, string>; timeline: number | undefined }> {
  const started = new Map([...(await containers.list())].map(([name, { id, startedAt }]) => [name, `${id} ${startedAt}`]));
  const timeline = await patroni.leader().then(
    (leader) => leader.timeline,
    () => undefined,
  );
  return { started, timeline };
}

/** Looks at what the hypothesis says of the shop, all the time. */
function watching({ steadyState }: Experiment, load: Load): { stop: () => Record<string, number> } {
  const violated: Record<string, number> = {};
  let last = Date.now();
  const timer = setInterval(() => {
    const since = Date.now() - last;
    last += since;
    for (const what of shopping(steadyState, load)) violated[what] = (violated[what] ?? 0) + since;
  }, LOOK_EVERY).unref();
  return { stop: () => (clearInterval(timer), violated) };
}
