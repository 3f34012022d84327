import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError, messageOf } from '@ballast/cluster';
import { workspaceRoot } from '@ballast/testing';
import { asked } from './asked.js';
import { runCrashMatrix } from './crash-matrix.js';
import { docker } from './docker.js';
import type { Experiment } from './experiment.js';
import { HELP, type Options, parseOptions } from './options.js';
import { readExperiments } from './parse.js';
import { plot } from './plot.js';
import { goalsOf, report } from './report.js';
import { asExpected, load, type Run, save } from './results.js';
import { bringBack, run } from './run.js';
import { judgeTrial, seconds } from './verdict.js';

const root = workspaceRoot();
/** Of one compose project: another one's cluster is not brought back with it. */
const rollbackFileOf = ({ project }: Options): string => join(root, '.ballast', 'chaos', `rollback-${project}.json`);

async function main(): Promise<void> {
  const [first, ...rest] = process.argv.slice(2);
  if (first === 'crash-matrix') return runCrashMatrix(rest);
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return console.log(HELP);
  const experiments = readExperiments(join(root, 'infra', 'chaos'));
  if (options.list) return list(experiments);
  const stopping = new AbortController();
  const stop = (why: Error) => {
    if (!stopping.signal.aborted) console.log(`\n${why.message}: bringing everything back …`);
    stopping.abort(why);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(new ClusterError(`ended by ${signal}`)));
  // A mistake of this tool must not leave the cluster broken either.
  process.on('uncaughtException', stop);
  process.on('unhandledRejection', (reason) => stop(reason as Error));
  const rollbackFile = rollbackFileOf(options);
  if (options.rollback) return bringBack({ docker, project: options.project, rollbackFile, say: console.log });

  const { experiment, told } = asked(chosen(experiments, options.name!), options);
  const without = safeguardOf(experiment, options.without);
  console.log(`${experiment.title}${without ? `, without the safeguard "${without}"` : ''}`);
  const measured = await run({
    ...{ docker, project: options.project, experiment, rollbackFile, signal: stopping.signal },
    trials: options.trials ?? (without ? 1 : experiment.trials),
    ...(without && { without }),
    say: (line) => console.log(`${new Date().toISOString().slice(11, 23)} ${line}`),
  });
  const result = { ...measured, ...told };
  const out = options.out ?? join(root, 'docs', 'drills');
  save(join(out, 'data'), result);
  const all = load(join(out, 'data'));
  writeFileSync(join(out, 'README.md'), report(all, experiments));
  writeFileSync(join(out, 'recovery.svg'), plot(all, 'Drills of the cluster'));
  print(result);
  process.exitCode = asExpected(result) ? 0 : 1;
}

function list(experiments: ReadonlyMap<string, Experiment>): void {
  for (const { name, title, trials, goals, safeguards } of experiments.values()) {
    console.log(`${name.padEnd(24)} ${title}`);
    console.log(`${''.padEnd(24)} ${trials} trials; ${goalsOf(goals)}`);
    for (const [safeguard, { what }] of Object.entries(safeguards)) console.log(`${''.padEnd(24)} --without ${safeguard}: ${what}`);
  }
}

function chosen(experiments: ReadonlyMap<string, Experiment>, name: string): Experiment {
  const found = experiments.get(name);
  if (!found) throw new ClusterError(`there is no experiment ${name}: one of ${[...experiments.keys()].join(', ')}`);
  return found;
}

function safeguardOf({ name, safeguards }: Experiment, without: Options['without']): string | undefined {
  const names = Object.keys(safeguards);
  const wanted = without === true ? names[0] : without;
  if (without !== undefined && !names.includes(wanted ?? ''))
    throw new ClusterError(`${name} has ${names.length ? `the safeguards ${names.join(', ')}` : 'no safeguard that could be taken away'}`);
  return wanted;
}

function print(result: Run): void {
  const { trials, misses, without, audit, accepted, written } = result;
  const shown = (ms: number | undefined) => (ms === undefined ? 'never' : seconds(ms)).padStart(10);
  console.log(
    `\n${'trial'.padEnd(6)}${'recovery'.padStart(10)}${'gap'.padStart(10)}${'writer'.padStart(10)}${'slowest'.padStart(10)}${'failed'.padStart(8)}  targets`,
  );
  for (const trial of trials) {
    const failed = Object.values(trial.failed).reduce((sum, n) => sum + n, 0);
    console.log(
      `${String(trial.trial).padEnd(6)}${shown(trial.recovery)}${shown(trial.gap)}${shown(trial.writer)}${shown(trial.sagas)}${String(failed).padStart(8)}  ${trial.targets.join(', ')}`,
    );
  }
  console.log(
    `\n${accepted} checkouts and ${written} bare rows acknowledged; ${audit.differences.length} differences in the books, ${audit.lostWrites} rows lost`,
  );
  const unserved = trials.reduce((sum, trial) => sum + trial.unserved, 0);
  if (unserved) console.log(`${unserved} turns of the load found no free buyer`);
  const resent = trials.reduce((sum, trial) => sum + (trial.resent ?? 0), 0);
  if (resent) console.log(`${resent} requests were lost at a gateway and sent again`);
  for (const { goal, why } of misses) console.log(`✖ ${goal}: ${why}`);
  if (without) {
    for (const trial of trials.filter((each) => trials.length > 1 && !judgeTrial(result.goals, each).length))
      console.log(`– trial ${trial.trial} missed nothing by itself: ${trial.targets.join(', ')}`);
    console.log(
      without.unnoticed.length
        ? `✖ not noticed that "${without.name}" is off: ${without.unnoticed.join(', ')} held`
        : `✔ red, as it has to be without "${without.name}"`,
    );
  } else if (!misses.length) console.log('✔ every goal was met');
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exitCode = 1;
});
