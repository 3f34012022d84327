import type { Goal, Goals } from './experiment.js';
import type { Measures } from './measure.js';

export interface Trial extends Measures {
  trial: number;
  at: string;
  targets: string[];
  /** Containers that were started anew and were no target. */
  restarted: string[];
  failovers: number;
  /** Milliseconds from the rollback to the steady state; undefined: it did not come. */
  back?: number;
  /** For how long, in milliseconds, each part of the hypothesis did not hold meanwhile. */
  violated: Record<string, number>;
}

/** What only the whole run shows. */
export interface Audit {
  /** In the books; one line each. */
  differences: string[];
  /** Acknowledged bare rows that are not there. */
  lostWrites: number;
  /** Checkouts that were not begun because too much was at work: the load was not what it says. */
  leftOut: number;
}

/** A goal that was missed, and why. `steady state`: it did not come back, which no experiment may do. */
export interface Miss {
  goal: Goal | 'steady state' | 'load';
  why: string;
}

const NOT_THERE = /accepted, and not there$/;

/** What a trial misses by itself. */
export function judgeTrial(goals: Goals, trial: Trial): Miss[] {
  const { recovery, gap, sagas, restarted, backwards, failed, rude, needless, failovers } = trial;
  const found: Miss[] = [];
  const miss = (goal: Miss['goal'], why: string) => found.push({ goal, why: `trial ${trial.trial}: ${why}` });
  if (goals.recovery !== undefined) {
    const took = recovery === undefined ? Infinity : Math.max(recovery, gap);
    if (took > goals.recovery) miss('recovery', `no checkout acknowledged for ${seconds(took)} (at most ${seconds(goals.recovery)})`);
  }
  if (goals.sagas !== undefined && !((sagas ?? Infinity) <= goals.sagas))
    miss('sagas', `an order waited ${seconds(sagas ?? Infinity)} for its end (at most ${seconds(goals.sagas)})`);
  if (goals.restarts && restarted.length) miss('restarts', `restarted: ${restarted.join(', ')}`);
  if (goals.primaries && backwards) miss('primaries', `${backwards} rows acknowledged by a primary that had been replaced`);
  if (goals.failed && (goals.failed === 'none' ? needless : rude)) miss('failed', `failed: ${list(failed)}`);
  if (goals.failovers !== undefined && failovers) miss('failovers', `the primary changed ${failovers} times`);
  if (trial.back === undefined) miss('steady state', 'it did not come back');
  return found;
}

/** What the whole run misses: its trials, and its books. */
export function judge(goals: Goals, trials: readonly Trial[], { differences, lostWrites, leftOut }: Audit): Miss[] {
  const found = trials.flatMap((trial) => judgeTrial(goals, trial));
  const lost = differences.filter((line) => NOT_THERE.test(line));
  if (goals.lost !== undefined && lost.length + lostWrites)
    found.push({ goal: 'lost', why: `lost: ${lost.length} acknowledged orders, ${lostWrites} acknowledged rows` });
  if (goals.confirmed && differences.length)
    found.push({ goal: 'confirmed', why: `${differences.length} differences: ${differences.slice(0, 5).join('; ')}` });
  if (leftOut) found.push({ goal: 'load', why: `${leftOut} checkouts were not begun, too much was at work` });
  return found;
}

/** Without a safeguard all that is said to be missed has to be: else the drill would not notice that it is gone. Gives what was not. */
export function unnoticed(red: readonly Goal[], misses: readonly Miss[]): Goal[] {
  return red.filter((goal) => !misses.some((miss) => miss.goal === goal));
}

export const seconds = (ms: number): string => (Number.isFinite(ms) ? `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s` : 'ever');
const list = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([kind, n]) => `${n} × ${kind}`)
    .join(', ');
