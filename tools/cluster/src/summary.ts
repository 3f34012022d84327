import { relative } from 'node:path';
import type { Cluster } from './cluster.js';
import type { Timing } from './progress.js';
import type { Purchase } from './purchase.js';

/** What a person wants to know once all is up. */
export async function summary(cluster: Cluster, timings: readonly Timing[], totalSeconds: number): Promise<string> {
  const { postgres, kafka, traces, home, accounts, newAccounts } = cluster;
  const bytes = cluster.memory();
  const replica = postgres.replica
    ? `, replica :${postgres.replica.port} ${(await postgres.streaming()) ? 'streaming' : 'NOT streaming'}`
    : '';
  const rows: [string, string][] = [
    ['shop', cluster.url],
    ...[...cluster.services.values()].map(({ name, url }): [string, string] => [name, `${url}/docs`]),
    ['Postgres', `${postgres.primary.host}:${postgres.primary.port}${replica}`],
    ['Kafka', `${kafka.brokers.join(',')}  ${kafka.describe}`],
    ['traces', traces.describe],
    ['logs', `${shown(home.logs)}/`],
    ['accounts', accountLine(newAccounts, accounts, shown(home.credentials))],
    ['time', timings.map(({ title, seconds }) => `${title} ${seconds.toFixed(1)}`).join(' · ')],
    ['up after', `${totalSeconds.toFixed(1)} s`],
    [
      'memory',
      bytes === undefined
        ? 'n/a'
        : `${Math.round(bytes / 1024 / 1024)} MB PSS, ${kafka.child ? 'all processes' : 'all processes but Kafka'} together`,
    ],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}`).join('\n');
}

/** A path as a person here would type it. */
function shown(path: string): string {
  const short = relative('', path);
  return short.startsWith('..') ? path : short;
}

function accountLine(isNew: boolean, accounts: Cluster['accounts'], file: string): string {
  if (!isNew) return file;
  const lines = Object.entries(accounts).map(([role, { email, password }]) => `${role} ${email} ${password}`);
  return `${lines.join('\n             ')}\n             (printed this once; kept in ${file})`;
}

/** An order's steps with their times. */
export function timelineOf({ orderId, status, reason, total, timeline, ms, traceId }: Purchase): string {
  const width = Math.max(...timeline.map(({ step }) => step.length), 0);
  const price = new Intl.NumberFormat('en', { style: 'currency', currency: total.currency }).format(total.amount / 100);
  return [
    `  order ${orderId}, ${price}${traceId ? `, trace ${traceId}` : ''}`,
    ...timeline.map((entry) => `  ${`${entry.ms} ms`.padStart(9)}  ${entry.step.padEnd(width)}  ${entry.outcome}`),
    `  ${status}${reason ? ` (${reason})` : ''} after ${Math.round(ms)} ms`,
  ].join('\n');
}
