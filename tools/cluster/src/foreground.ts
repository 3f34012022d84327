import { killChildren } from '@ballast/testing';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.js';
import { messageOf } from './errors.js';
import { ListrProgress } from './listr-progress.js';
import { LineProgress, type Progress, type Timing } from './progress.js';
import { startSteps } from './steps.js';
import { summary, timelineOf } from './summary.js';

/** What works on a cluster while it is up. It is stopped before the cluster is. */
export interface Companion {
  stop(): Promise<void>;
}

/**
 * Brings the platform up, says what there is, and keeps it up until Ctrl-C, which ends this process.
 *
 * @param onUp runs when all is up and the summary is shown
 */
export async function runInForeground(options: ClusterOptions, onUp: (cluster: Cluster) => Promise<Companion | void>): Promise<void> {
  const stopping = new AbortController();
  let progress: Progress | undefined;
  let cluster: Cluster | undefined;
  let companion: Companion | void = undefined;
  const stop = () => {
    if (stopping.signal.aborted) {
      killChildren();
      process.exit(130);
    }
    stopping.abort();
    if (cluster) void shutDown(cluster, companion);
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
  companion = await onUp(cluster);
}

async function shutDown(cluster: Cluster, companion: Companion | void): Promise<never> {
  console.log('\nStopping (Ctrl-C again forces it) …');
  try {
    if (companion) await companion.stop();
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
