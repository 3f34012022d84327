import type { Experiment } from './experiment.js';

/** With every time that is judged so many times as long. What may not be lost, doubled or failed stays as it is. */
export function relaxed(experiment: Experiment, slack = 1): Experiment {
  const { goals, steadyState } = experiment;
  const longer = <T extends object, K extends keyof T>(from: T, keys: readonly K[]): T =>
    Object.assign({ ...from }, ...keys.flatMap((key) => (from[key] === undefined ? [] : [{ [key]: Number(from[key]) * slack }]))) as T;
  return {
    ...experiment,
    goals: longer(goals, ['recovery', 'sagas', 'sagasWhenCoordinator']),
    steadyState: longer(steadyState, ['checkouts', 'orders', 'back']),
  };
}
