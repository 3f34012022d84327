import type { CheckName } from './checks.js';
import type { Outcome } from './run.js';
import type { Scenario } from './scenario.js';

/** How many runs may be spent on it. */
const RUNS = 250;

/**
 * The smallest scenario found that still breaks the same promise: orders and faults are left out as long as it does. After Zeller and
 * Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002.
 */
export async function shrink(failed: Outcome, check: CheckName, runs: (scenario: Scenario) => Promise<Outcome>): Promise<Outcome> {
  let smallest = failed;
  let left = RUNS;
  const breaks = async (scenario: Scenario): Promise<boolean> => {
    if (left-- <= 0) return false;
    const outcome = await runs(scenario);
    if (!outcome.violations.some((each) => each.check === check)) return false;
    smallest = outcome;
    return true;
  };
  for (let before = -1; before !== sizeOf(smallest.scenario) && left > 0;) {
    before = sizeOf(smallest.scenario);
    await reduce(smallest.scenario.faults, (faults) => breaks({ ...smallest.scenario, faults }));
    await reduce(smallest.scenario.orders, (orders) => breaks({ ...smallest.scenario, orders }));
  }
  return smallest;
}

const sizeOf = ({ orders, faults }: Scenario): number => orders.length + faults.length;

/** Leaves out halves, then quarters, and so on to single ones, as long as `breaks` says that the rest will do. */
async function reduce<T>(all: readonly T[], breaks: (kept: T[]) => Promise<boolean>): Promise<void> {
  let kept = [...all];
  if (kept.length && (await breaks([]))) return;
  for (let parts = 2; kept.length > 1 || parts <= kept.length;) {
    const size = Math.ceil(kept.length / parts);
    let reduced = false;
    for (let from = 0; from < kept.length; from += size) {
      const rest = [...kept.slice(0, from), ...kept.slice(from + size)];
      if (rest.length === kept.length || !(await breaks(rest))) continue;
      kept = rest;
      reduced = true;
      parts = Math.max(2, parts - 1);
      break;
    }
    if (reduced) continue;
    if (size <= 1) return;
    parts = Math.min(kept.length, parts * 2);
  }
}
