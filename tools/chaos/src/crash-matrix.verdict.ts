import type { Recovered, SeedResult } from './crash-matrix.run.js';

/** Milliseconds within which a killed service works again. */
const PROMISED = 10_000;

export interface Recoveries {
  /** Milliseconds, ascending. */
  times: number[];
  /** Kills after which it was not measured: the next fault came before the service had finished anything. */
  unmeasured: number;
  /** Of those that were followed by another kill, how long that came after them at most; milliseconds. */
  killedAgain: number;
  late: (Recovered & { recovery: number; seed: number })[];
}

export function recoveriesOf(results: readonly Pick<SeedResult, 'seed' | 'faults'>[]): Recoveries {
  const kills = results.flatMap(({ seed, faults }) => faults.flatMap((fault) => (fault.at === undefined ? [] : [{ ...fault, seed }])));
  const measured = kills.flatMap((kill) => (kill.recovery === undefined ? [] : [{ ...kill, recovery: kill.recovery }]));
  return {
    times: measured.map(({ recovery }) => recovery).sort((a, b) => a - b),
    unmeasured: kills.length - measured.length,
    killedAgain: Math.max(0, ...kills.map(({ recovery, at, killedAgain = at }) => (recovery === undefined ? killedAgain! - at! : 0))),
    late: measured.filter(({ recovery }) => recovery > PROMISED),
  };
}

/**
 * Why a run ends red, a line each; none when all is well. `due` are the titles of the points that were to be reached; with `slack` services
 * may take so many times as long.
 */
export function complaints(
  results: readonly Pick<SeedResult, 'seed' | 'faults' | 'findings'>[],
  due: readonly string[],
  slack = 1,
): string[] {
  const allowed = PROMISED * slack;
  const late = recoveriesOf(results).late.filter(({ recovery }) => recovery > allowed);
  const reached = new Set(results.flatMap(({ faults }) => faults.flatMap((f) => (f.reached ? f.point : []))));
  return [
    ...results.flatMap(({ findings }) => findings.map(({ kind, what }) => `${kind}: ${what}`)),
    ...late.map(
      ({ point, recovery, seed }) =>
        `late: ${point} (seed ${seed}): worked again after ${(recovery / 1_000).toFixed(1)} s, not within ${allowed / 1_000} s`,
    ),
    ...[...new Set(due)].filter((title) => !reached.has(title)).map((title) => `never reached: ${title}`),
  ];
}
