import type { Cluster } from './cluster.js';
import { shownPath } from './end-line.js';
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
    ['Kafka', kafkaLine(kafka)],
    ['traces', traces.describe],
    ['logs', `${shownPath(home.logs)}/`],
    ['accounts', accountLine(newAccounts, accounts, shownPath(home.credentials))],
    ['time', timings.map(({ title, seconds }) => `${title} ${seconds.toFixed(1)}`).join(' · ')],
    ['up after', `${totalSeconds.toFixed(1)} s`],
    ['memory', memoryLine(bytes, cluster)],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}`).join('\n');
}

/** Where Kafka is; without one, what is different, and how to get it. */
function kafkaLine({ kind, brokers, describe }: Cluster['kafka']): string {
  if (kind !== 'memory') return `${brokers.join(',')}  ${describe}`;
  return [
    describe,
    'all services share one process: none is restarted alone, and one that fails takes the others along;',
    'nothing is lost with it, for an outbox keeps what has not been taken; crash tests need Kafka.',
    'To get Kafka start Docker, install Java 17 and Maven, or set KAFKA_BROKERS',
  ].join('\n             ');
}

/** The memory of all processes, and of what it is not: a container's processes are not children of ours. */
export function memoryLine(bytes: number | undefined, { kafka, traces }: MemoryOf): string {
  if (bytes === undefined) return 'n/a';
  const missing = [
    ...(kafka.kind === 'docker' ? ['Kafka in Docker'] : kafka.kind === 'external' ? ['the external Kafka'] : []),
    ...(traces.inDocker ? ['Jaeger in Docker'] : []),
  ];
  const without = missing.length > 0 ? `, without ${missing.join(' and ')}` : '';
  return `${Math.round(bytes / 1024 / 1024)} MB PSS, all processes together${without}`;
}
type MemoryOf = { kafka: Pick<Cluster['kafka'], 'kind'>; traces: Pick<Cluster['traces'], 'inDocker'> };

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
