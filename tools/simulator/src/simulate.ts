import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { createLogger } from '@ballast/tracing';
import { realNow } from './ambient.js';
import { mutations } from './mutations.js';
import { argumentsOf, HELP, OptionError, parseOptions, type Options } from './options.js';
import { run, type Outcome } from './run.js';
import { plan, type Scenario } from './scenario.js';
import { shrink } from './shrink.js';
import { describe, timeline } from './timeline.js';
import { Totals, type Summary } from './totals.js';

const EVERY = 5_000;
const SHOWN = 10;
/** A run leaves many short-lived things behind: with room for them the collector comes rarely and finds nearly all of them dead. */
const MEMORY = { maxYoungGenerationSizeMb: 192 };

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return console.log(HELP);
  if (options.listMutations) return list();
  createLogger({ service: 'simulator', level: 'silent' });
  setMaxListeners(0);
  if (options.seed === undefined) await many(options);
  else await replay(options, options.seed);
}

function list(): void {
  const width = Math.max(...Object.keys(mutations).map((name) => name.length));
  for (const [name, { without, foundBy }] of Object.entries(mutations))
    console.log(`${name.padEnd(width)}  ${without}\n${' '.repeat(width)}  found by ${foundBy.join(' or ')}`);
}

const seamsOf = ({ mutate }: Options) => (mutate === undefined ? {} : mutations[mutate]!.seams);

/** One seed, with all that happened. */
async function replay(options: Options, seed: number): Promise<void> {
  const outcome = await run(plan(seed, options), { seams: seamsOf(options), verbose: true });
  console.log([...describe(outcome), '', ...timeline(outcome), ''].join('\n'));
  const totals = new Totals();
  totals.add({ ...outcome, seed, struck: [...outcome.struck] });
  tellViolations(outcome);
  console.log(`digest ${outcome.digest}`);
  if (outcome.violations.length) await explain(options, seed);
}

async function many(options: Options): Promise<void> {
  const { from, seeds, orders, mutate } = options;
  console.log(`${seeds} seeds from ${from}, ${orders} orders each${mutate ? `, without ${mutations[mutate]!.without}` : ''}`);
  const began = realNow();
  const beganCpu = process.cpuUsage();
  const totals = new Totals();
  let told = began;
  const failed = await eachSeed(options, (summary) => {
    totals.add(summary);
    if (realNow() - told < EVERY) return;
    told = realNow();
    console.log(`… ${totals.seeds} of ${seeds} seeds, ${totals.checkouts} checkouts, ${Math.round((told - began) / 1000)} s`);
  });
  const { user, system } = process.cpuUsage(beganCpu);
  console.log(['', ...totals.table(realNow() - began, (user + system) / 1000)].join('\n'));
  if (failed) await explain(options, failed.seed);
  else console.log(`\n✔ every promise was kept in ${totals.seeds} runs`);
}

/** The first run, by its seed, that broke a promise, of those that were begun when it did. */
async function eachSeed(options: Options, done: (summary: Summary) => void): Promise<Summary | undefined> {
  const step = Math.min(options.workers ?? availableParallelism(), options.seeds);
  const failed: Summary[] = [];
  const workers = Array.from(
    { length: step },
    (_, i) =>
      new Worker(new URL('./worker.js', import.meta.url), {
        workerData: { options, first: options.from + i, step },
        resourceLimits: MEMORY,
      }),
  );
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.on('message', (summary: Summary) => {
            if (failed.length) return;
            done(summary);
            if (!summary.violations.length) return;
            failed.push(summary);
            for (const each of workers) void each.terminate();
          });
          worker.on('error', reject);
          worker.on('exit', () => resolve());
        }),
    ),
  );
  return failed[0];
}

/** What was broken, the smallest case that still breaks it, and how it went. */
async function explain(options: Options, seed: number): Promise<void> {
  process.exitCode = 1;
  const runs = (scenario: Scenario) => run(scenario, { seams: seamsOf(options), verbose: true });
  const outcome = await runs(plan(seed, options));
  if (options.seed === undefined) tellViolations(outcome);
  const { check } = outcome.violations[0]!;
  console.log(`Looking for the smallest case that still breaks "${check}" …`);
  const smallest = await shrink(outcome, check, runs);
  console.log(['', ...describe(smallest), '', ...timeline(smallest), ''].join('\n'));
  tellViolations(smallest);
  console.log(`Again, whole: npm run simulate -- ${argumentsOf(options, seed)}`);
}

function tellViolations({ scenario, violations }: Outcome): void {
  if (!violations.length) return console.log(`✔ seed ${scenario.seed}: every promise was kept`);
  console.log(`✘ seed ${scenario.seed} breaks ${violations.length} promise${violations.length === 1 ? '' : 's'}:`);
  for (const { check, what } of violations.slice(0, SHOWN)) console.log(`  ${check}: ${what}`);
  if (violations.length > SHOWN) console.log(`  … and ${violations.length - SHOWN} more`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof OptionError)) throw error;
  console.error(`simulate: ${error.message}`);
  process.exitCode = 2;
}
