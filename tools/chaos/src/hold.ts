import { ClusterError } from '@ballast/cluster';
import type { Experiment, Step } from './experiment.js';

/** Milliseconds; undefined: its method waits for no time. */
export function longestWait({ method }: Pick<Experiment, 'method'>): number | undefined {
  const waits = method.flatMap((step) => ('wait' in step ? step.wait : []));
  return waits.length ? Math.max(...waits) : undefined;
}

/** With another time in place of its longest wait. */
export function held(experiment: Experiment, hold?: number): Experiment {
  if (hold === undefined) return experiment;
  const longest = longestWait(experiment);
  if (longest === undefined) throw new ClusterError(`${experiment.name} has no wait that --hold could take the place of`);
  const method = experiment.method.map((step): Step => ('wait' in step && step.wait === longest ? { wait: hold } : step));
  return { ...experiment, method };
}
