import type { Experiment } from './experiment.js';

/** Signing one up costs the cluster a fifth of a second. */
const BUYERS_AT_MOST = 300;

/** At another rate, by as many more or fewer buyers: the same part of them may be waiting for the end of an order. */
export function paced({ load, ...experiment }: Experiment, rate = load.rate): Experiment {
  const buyers = Math.min(Math.ceil((load.buyers * rate) / load.rate), Math.max(load.buyers, BUYERS_AT_MOST));
  return { ...experiment, load: { rate, buyers } };
}
