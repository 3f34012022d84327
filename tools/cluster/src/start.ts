import { killChildren } from '@ballast/testing';
import { type Cluster, startCluster } from './cluster.js';
import { messageOf } from './errors.js';
import { ListrProgress } from './listr-progress.js';
import { parseStart, startHelp } from './options.js';
import { LineProgress, type Progress, type Timing } from './progress.js';
import { startSteps } from './steps.js';
import { summary, timelineOf } from './summary.js';

/** `npm start`: brings the platform up, says what there is, and keeps it up until Ctrl-C. */
async function main(): Promise<void> {
  const { help, options } = parseStart(process.argv.slice(2), process.env);
  if (help) return console.log(startHelp);

  const stopping = new AbortController();
  let progress: Progress | undefined;
  let cluster: Cluster | undefined;
  const stop = () => {
    if (stopping.signal.aborted) {
      killChildren();
      process.exit(130);
    }
    stopping.abort();
    if (cluster) void shutDown(cluster);
    else console.error('\nStopping what was started …');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

  try {
    progress = process.stdout.isTTY ? new ListrProgress(Object.values(startSteps)) : new LineProgress();
    cluster = await startCluster({ ...options, progress, onTrouble: console.log, signal: stopping.signal });
    await progress.end();
  } catch (error) {
    await progress?.end();
    if (stopping.signal.aborted) process.exit(130);
    throw error;
  }
  // Counted from this process' first moment: installing and compiling are in it.
  const total = performance.now() / 1000;
  if (cluster.purchase) console.log(`\n${timelineOf(cluster.purchase)}`);
  console.log(`\n${await summary(cluster, [...prepared(), ...cluster.timings], total)}\n`);
  console.log('npm run demo buys again, npm run demo -- --token tok_declined shows a compensation. Ctrl-C stops everything.');
}

async function shutDown(cluster: Cluster): Promise<never> {
  console.log('\nStopping (Ctrl-C again forces it) …');
  try {
    await cluster.stop();
    process.exit(0);
  } catch (error) {
    console.error(`ballast: ${messageOf(error)}`);
    killChildren();
    process.exit(1);
  }
}

/** What tools/run.mjs spent its time on before us. */
function prepared(): Timing[] {
  const { install, build } = JSON.parse(process.env['BALLAST_PREPARED'] ?? '{}') as { install?: number; build?: number };
  return [
    ...(install === undefined ? [] : [{ title: 'Installing', seconds: install }]),
    ...(build === undefined ? [] : [{ title: 'Compiling', seconds: build }]),
  ];
}

main().catch((error: unknown) => {
  console.error(`ballast: ${messageOf(error)}`);
  process.exit(1);
});
