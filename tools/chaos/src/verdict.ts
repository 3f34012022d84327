import type { Goal, Goals } from './experiment.js';
import type { Measures } from './measure.js';

export interface Trial extends Measures {
  trial: number;
  at: string;
  targets: string[];
  /** The groups of sagas that a broker which was taken away coordinated. */
  coordinates: string[];
  /** What steps had to say. */
  notes: string[];
  /** Containers that were started anew and were no target. */
  restarted: string[];
  /** How often the primary changed; undefined: not known, since none could be asked. */
  failovers?: number;
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
  /** Why the bare writer was gone before its end. */
  writerEnded?: string;
}

/**
 * A goal that was missed, and why. What no experiment may miss: `steady state`, which did not come back; `load` and `writer`, which were
 * not what the figures say.
 */
export interface Miss {
  goal: Goal | 'steady state' | 'load' | 'writer';
  why: string;
}

/** Fewer rows after a fault than this do not show that none is lost, nor that one primary alone writes. Some 20 come in a second. */
const ROWS_AT_LEAST = 10;
/** A load that is less by more than this part is another load. */
const UNSERVED_AT_MOST = 0.1;
const NOT_THERE = /accepted, and not there$/;

/** What a trial misses by itself. */
export function judgeTrial(goals: Goals, trial: Trial): Miss[] {
  const { recovery, gap, sagas, restarted, backwards, failed, rude, needless, failovers, unserved, acknowledged, rows } = trial;
  const found: Miss[] = [];
  const miss = (goal: Miss['goal'], why: string) => found.push({ goal, why: `trial ${trial.trial}: ${why}` });
  if (goals.recovery !== undefined) {
    const took = recovery === undefined ? Infinity : Math.max(recovery, gap);
    const nobody = unserved ? `; ${unserved} turns found no free buyer` : '';
    if (took > goals.recovery)
      miss('recovery', `no checkout acknowledged for ${seconds(took)} (at most ${seconds(goals.recovery)})${nobody}`);
  }
  const limit = sagasLimit(goals, trial);
  if (limit !== undefined && !((sagas ?? Infinity) <= limit))
    miss('sagas', `an order waited ${seconds(sagas ?? Infinity)} for its end (at most ${seconds(limit)})`);
  if (goals.restarts && restarted.length) miss('restarts', `restarted: ${restarted.join(', ')}`);
  if (goals.primaries && backwards) miss('primaries', `${backwards} rows acknowledged by a primary that had been replaced`);
  if (goals.failed && (goals.failed === 'none' ? needless : rude)) miss('failed', `failed: ${list(failed)}`);
  if (goals.failovers !== undefined && failovers !== 0)
    miss('failovers', failovers === undefined ? 'whether the primary changed is not known' : `the primary changed ${failovers} times`);
  if (unserved > acknowledged * UNSERVED_AT_MOST)
    miss('load', `${unserved} turns found no free buyer, and ${acknowledged} checkouts were acknowledged`);
  if ((goals.lost !== undefined || goals.primaries) && rows < ROWS_AT_LEAST)
    miss('writer', `the bare writer wrote ${rows ? `only ${rows} rows` : 'nothing'} after the fault`);
  if (trial.back === undefined) miss('steady state', 'it did not come back');
  return found;
}

/** The longest an order may wait in this trial. */
export const sagasLimit = ({ sagas, sagasWhenCoordinator }: Goals, { coordinates }: Pick<Trial, 'coordinates'>): number | undefined =>
  coordinates.length ? (sagasWhenCoordinator ?? sagas) : sagas;

/** What the whole run misses: its trials, and its books. */
export function judge(goals: Goals, trials: readonly Trial[], { differences, lostWrites, leftOut, writerEnded }: Audit): Miss[] {
  const found = trials.flatMap((trial) => judgeTrial(goals, trial));
  const lost = differences.filter((line) => NOT_THERE.test(line));
  if (goals.lost !== undefined && lost.length + lostWrites)
    found.push({ goal: 'lost', why: `lost: ${lost.length} acknowledged orders, ${lostWrites} acknowledged rows` });
  if (goals.confirmed && differences.length)
    found.push({ goal: 'confirmed', why: `${differences.length} differences: ${differences.slice(0, 5).join('; ')}` });
  if (leftOut) found.push({ goal: 'load', why: `${leftOut} checkouts were not begun, too much was at work` });
  if (writerEnded && (goals.lost !== undefined || goals.primaries)) found.push({ goal: 'writer', why: `the bare writer ${writerEnded}` });
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
