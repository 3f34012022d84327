import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ClusterError, LineProgress, startCluster } from '@ballast/cluster';
import { dropKafka, dropPostgres, workspaceRoot } from '@ballast/testing';
import { HELP, type MatrixArguments, parseMatrix } from './crash-matrix.options.js';
import { originOf } from './crash-matrix.origin.js';
import { PAGE, whyNotPublished } from './crash-matrix.page.js';
import { dealt, titleOf } from './crash-matrix.points.js';
import { matrixReport, recovery, table } from './crash-matrix.report.js';
import { crashMatrix, type SeedResult } from './crash-matrix.run.js';
import { complaints } from './crash-matrix.verdict.js';

export async function runCrashMatrix(args: readonly string[]): Promise<void> {
  const options = parseMatrix(args);
  if (options === 'help') return console.log(HELP);
  const { seeds, points, parts, atOnce, rate, slack, portOffset, without } = options;
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
    publish(options, stopping.signal.aborted, () => matrixReport(results, { rate, atOnce, origin, slack, args, seeds: seeds.length }));
    process.exitCode = clean ? 0 : 1;
  } catch (error) {
    if (options.page) leave(whyNotPublished(options, true));
    throw error;
  } finally {
    await cluster.stop();
    if (clean) {
      // They may lie elsewhere: where the postgres user can read, and in a volume of Docker's.
      dropPostgres(join(home, 'data', 'postgres'));
      dropKafka(join(home, 'data', 'kafka'));
      rmSync(home, { recursive: true, force: true });
    }
  }
}

/** To the file that was asked for, else to the published page, if it is a run for it. */
function publish(options: MatrixArguments, aborted: boolean, text: () => string): void {
  const { out, page } = options;
  if (out !== undefined) return writeFileSync(out, text());
  if (!page) return;
  const why = whyNotPublished(options, aborted);
  if (why.length) leave(why);
  else writeFileSync(join(workspaceRoot(), PAGE), text());
}

const leave = (why: readonly string[]): void =>
  console.log(`${PAGE} is left as it is: ${why.join('; ')}. --out FILE takes a report of any run that ends`);

function summaryOf({ seed, accepted, confirmed, rejected, refunds, faults, findings, seconds }: SeedResult): string {
  const times = faults.flatMap(({ recovery }) => recovery ?? []);
  const slowest = times.length ? `, working again after ${(Math.max(...times) / 1000).toFixed(1)} s at most` : '';
  return `seed ${seed}: ${faults.length} faults${slowest}; ${accepted} accepted, ${confirmed} confirmed, ${rejected} rejected, ${refunds} refunds; ${findings.length} differences; ${Math.round(seconds)} s`;
}
