import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ClusterError, LineProgress, messageOf, startCluster } from '@ballast/cluster';
import { dropPostgres, workspaceRoot } from '@ballast/testing';
import { originOf } from './crash-matrix.origin.js';
import { dealt, namesOf, type Point, POINTS, titleOf } from './crash-matrix.points.js';
import { matrixReport, recovery, table } from './crash-matrix.report.js';
import { crashMatrix, type SeedResult } from './crash-matrix.run.js';
import { complaints } from './crash-matrix.verdict.js';

const HELP = `Usage: npm run chaos -- crash-matrix [options]

Starts a platform of its own, kills each service at each point where a crash hurts, under load, and reads the books afterwards.
Each seed takes a quarter of the points; every four seeds take all.

  --seeds N         how many, from --seed on; 20 by default
  --seed N          the first one, 1 by default
  --points A,B      only these, and all of them with each seed: relay.sent, order (all of a service), order/relay.sent,
                    order/saga.step.after[capture payment], inventory/inbox.applied=stop
  --at-once N       services that die at the same time, 2 by default; with more, a machine of two cores measures the queue for them
  --rate N          checkouts a second, 3 by default
  --port-offset N   added to every port, 22000 by default
  --slack N         services may take N times as long until they work again: where nobody knows how fast the machine is
  --without FILE    a module that every service loads first and that takes a safeguard away: the run has to end red
  --out FILE        of the report, docs/drills/crash-matrix.md by default; "none" writes none
  --help

Ends with 0 when nothing was lost, doubled, put in another order or otherwise wrong, every killed service worked again within 10 s, and every
point was reached, else with 1.`;

/** Twenty seeds go through all points five times. */
const PARTS = 4;

interface Options {
  seeds: number[];
  points: Point[];
  parts: number;
  atOnce: number;
  rate: number;
  slack: number;
  portOffset: number;
  without?: string;
  out: string | undefined;
}

/** @throws {ClusterError} for what cannot be understood */
export function parseMatrix(args: readonly string[]): Options | 'help' {
  const text = { type: 'string' } as const;
  const names = {
    seeds: text,
    seed: text,
    points: text,
    rate: text,
    slack: text,
    'at-once': text,
    'port-offset': text,
    without: text,
    out: text,
  };
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: { ...names, help: { type: 'boolean' } } }));
  } catch (error) {
    throw new ClusterError(`${messageOf(error).split('. ')[0]}; see --help`, { cause: error });
  }
  if (values.help) return 'help';
  const whole = (name: 'seeds' | 'seed' | 'at-once' | 'port-offset', fallback: number, least: number): number => {
    const value = Number(values[name] ?? fallback);
    if (!Number.isInteger(value) || value < least)
      throw new ClusterError(`--${name} must be a whole number from ${least}, not "${values[name]}"`);
    return value;
  };
  const above0 = (name: 'rate' | 'slack', fallback: number): number => {
    const value = Number(values[name] ?? fallback);
    if (!(value > 0)) throw new ClusterError(`--${name} must be a number above 0, not "${values[name]}"`);
    return value;
  };
  const first = whole('seed', 1, 0);
  const out = values.out === 'none' ? undefined : (values.out ?? join(workspaceRoot(), 'docs', 'drills', 'crash-matrix.md'));
  return {
    ...{
      rate: above0('rate', 3),
      slack: above0('slack', 1),
      out,
      points: chosen(values.points),
      parts: values.points === undefined ? PARTS : 1,
      portOffset: whole('port-offset', 22_000, 0),
      atOnce: whole('at-once', 2, 1),
    },
    seeds: Array.from({ length: whole('seeds', 20, 1) }, (_, n) => first + n),
    ...(values.without && { without: values.without }),
  };
}

function chosen(text: string | undefined): Point[] {
  if (text === undefined) return [...POINTS];
  const wanted = text.split(',');
  const unknown = wanted.find((name) => !POINTS.some((point) => namesOf(point).includes(name)));
  if (unknown !== undefined)
    throw new ClusterError(
      `there is no point "${unknown}": one of ${[...new Set(POINTS.flatMap(({ service, name }) => [service, name]))].join(', ')}`,
    );
  return POINTS.filter((point) => namesOf(point).some((name) => wanted.includes(name)));
}

export async function runCrashMatrix(args: readonly string[]): Promise<void> {
  const options = parseMatrix(args);
  if (options === 'help') return console.log(HELP);
  const { seeds, points, parts, atOnce, rate, slack, portOffset, without, out } = options;
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stopping.abort(new ClusterError(`ended by ${signal}`)));
  const home = mkdtempSync(join(tmpdir(), 'ballast-crash-'));
  const hook = without && { NODE_OPTIONS: `--import ${pathToFileURL(without).href}` };
  const cluster = await startCluster({
    ...{ home, portOffset, purchase: false, otlpEndpoint: false, progress: new LineProgress(), signal: stopping.signal },
    env: { '*': { RATE_LIMIT: '0', LOG_LEVEL: 'info', ...hook } },
  }).catch((error: unknown) => {
    console.log(`logs and data are left in ${home}`);
    throw error;
  });
  let clean = false;
  try {
    const origin = await originOf(cluster);
    const results = await crashMatrix({
      ...{ cluster, points, parts, atOnce, seeds, rate, patience: 120_000, quiet: 90_000, signal: stopping.signal },
      say: (line) => console.log(`${new Date().toISOString().slice(11, 23)} ${line}`),
      done: (result) => console.log(summaryOf(result)),
    });
    const due = seeds.flatMap((seed) => dealt(points, seed, parts)).map(titleOf);
    const wrong = complaints(results, due, slack);
    clean = !wrong.length && !stopping.signal.aborted;
    console.log(`\n${table(results)}\n\n${recovery(results)}\n`);
    for (const line of wrong.slice(0, 50)) console.log(`✖ ${line}`);
    if (wrong.length > 50) console.log(`✖ and ${wrong.length - 50} more`);
    if (clean) console.log('✔ nothing lost, nothing doubled, nothing reordered, nothing late');
    else console.log(`logs and data are left in ${home}`);
    if (out && !without) writeFileSync(out, matrixReport(results, { rate, atOnce, origin }));
    process.exitCode = clean ? 0 : 1;
  } finally {
    await cluster.stop();
    if (clean) {
      dropPostgres(join(home, 'data', 'postgres')); // it may lie elsewhere: where the postgres user can read
      rmSync(home, { recursive: true, force: true });
    }
  }
}

function summaryOf({ seed, accepted, confirmed, rejected, refunds, faults, findings, seconds }: SeedResult): string {
  const times = faults.flatMap(({ recovery }) => recovery ?? []);
  const slowest = times.length ? `, working again after ${(Math.max(...times) / 1000).toFixed(1)} s at most` : '';
  return `seed ${seed}: ${faults.length} faults${slowest}; ${accepted} accepted, ${confirmed} confirmed, ${rejected} rejected, ${refunds} refunds; ${findings.length} differences; ${Math.round(seconds)} s`;
}
