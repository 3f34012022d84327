import type { Experiment } from './experiment.js';
import { held, longestWait } from './hold.js';
import type { Options } from './options.js';
import { paced } from './pace.js';
import type { Run } from './results.js';
import { relaxed } from './slack.js';

type Asked = Pick<Options, 'hold' | 'rate' | 'slack'>;

/**
 * The experiment as the options want it, and `told`: in what it is another one by that, for the record of the run. Its goals and its load are in the
 * record anyhow.
 */
export function asked(experiment: Experiment, { hold, rate, slack }: Asked): { experiment: Experiment; told: Pick<Run, 'hold' | 'slack'> } {
  return {
    experiment: relaxed(paced(held(experiment, hold), rate), slack),
    told: {
      ...(hold !== undefined && hold !== longestWait(experiment) && { hold }),
      ...(slack !== undefined && slack !== 1 && { slack }),
    },
  };
}
