import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Goals } from './experiment.js';
import type { Machine } from './machine.js';
import type { Audit, Miss, Trial } from './verdict.js';

/** An experiment as it was run. */
export interface Run {
  experiment: string;
  title: string;
  /** When it ended. */
  at: string;
  goals: Goals;
  load: { rate: number; buyers: number };
  /** What stood in place of the experiment's longest wait, in milliseconds, where it was another time. Runs of earlier versions did not keep it, nor the next. */
  hold?: number;
  /** So many times as long as the experiment says were the times that are judged, where that is not once. */
  slack?: number;
  machine: Machine;
  /** The machine's load average (5 minutes) before it began: what else it was busy with. */
  loadBefore: number;
  /** Checkouts that were acknowledged, and rows of the bare writer. */
  accepted: number;
  written: number;
  trials: Trial[];
  audit: Audit;
  misses: Miss[];
  /** Which safeguard was off; `unnoticed`: the goals that should have been missed and were not. */
  without?: { name: string; what: string; unnoticed: string[] };
}

/** As it has to be: green, or red where a safeguard was off. */
export const asExpected = ({ misses, without }: Run): boolean => (without ? without.unnoticed.length === 0 : misses.length === 0);

/** One file per experiment (and safeguard that is off): a line about the run, then one per trial. The last run counts. */
export function save(folder: string, run: Run): void {
  const { trials, ...head } = run;
  const name = `${run.experiment}${run.without ? `.without-${run.without.name}` : ''}.jsonl`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), [head, ...trials].map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** What trials of earlier versions did not keep. */
const UNRECORDED: Pick<Trial, 'coordinates' | 'notes' | 'unserved'> = { coordinates: [], notes: [], unserved: 0 };

export function load(folder: string): Run[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => {
      const [head, ...trials] = readFileSync(join(folder, name), 'utf8').trim().split('\n').map((line) => JSON.parse(line)); // prettier-ignore
      return { ...head, trials: trials.map((trial) => ({ ...UNRECORDED, ...trial })) } as Run;
    });
}
