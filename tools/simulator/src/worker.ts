import { setMaxListeners } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { createLogger } from '@ballast/tracing';
import { mutations } from './mutations.js';
import type { Options } from './options.js';
import { run } from './run.js';
import { plan } from './scenario.js';
import { summaryOf } from './totals.js';

/** A thread that runs every so-manieth seed and tells what came of each. */
const { options, first, step } = workerData as { options: Options; first: number; step: number };
quiet();
const seams = options.mutate === undefined ? {} : mutations[options.mutate]!.seams;
for (let seed = first; seed < options.from + options.seeds; seed += step)
  parentPort!.postMessage(summaryOf(await run(plan(seed, options), { seams })));

/** Two instances of four services, of a second each few milliseconds, would fill every log; and all of them wait on a few signals. */
function quiet(): void {
  createLogger({ service: 'simulator', level: 'silent' });
  setMaxListeners(0);
}
