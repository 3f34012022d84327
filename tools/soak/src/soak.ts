import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Cluster, LineProgress, startCluster } from '@ballast/cluster';
import { killChildren, workspaceRoot } from '@ballast/testing';
import { Observer } from './observer.js';
import { plot } from './plot.js';
import { passed, report, type Run } from './report.js';
import type { Sample } from './sample.js';
import { Shoppers } from './shoppers.js';

const HELP = `Usage: npm run soak -- [options]

  --minutes N       how long, 20 by default
  --rate N          checkouts a second, 4 by default
  --port-offset N   added to every port, 18000 by default
  --home DIRECTORY  of the platform it starts, .ballast/soak by default; begins with nothing each time
  --out DIRECTORY   where soak.md and soak.svg go, docs/benchmarks by default; written each minute with what there is so far
  --help

Ctrl-C ends the load, writes what there is and stops the platform; a second one kills it.`;

const EVERY = 10_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '20' },
      rate: { type: 'string', default: '4' },
      'port-offset': { type: 'string', default: '18000' },
      home: { type: 'string', default: join(workspaceRoot(), '.ballast', 'soak') },
      out: { type: 'string', default: join(workspaceRoot(), 'docs', 'benchmarks') },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
  if (!(minutes >= 1) || !(rate > 0)) throw new Error('--minutes must be 1 or more, --rate more than 0');

  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (stopping.signal.aborted) {
        killChildren();
        process.exit(130);
      }
      console.log('\nEnding the run (again forces it) …');
      stopping.abort();
    });

  const retention = retentionFor(minutes);
  const cluster = await startCluster({
    home: values.home,
    portOffset: Number(values['port-offset']),
    fresh: true,
    purchase: false,
    otlpEndpoint: false,
    progress: new LineProgress(),
    onTrouble: console.log,
    env: { '*': { RATE_LIMIT: '0', LOG_LEVEL: 'warn', ...retention } },
    signal: stopping.signal,
  });
  try {
    const run = await soak(cluster, { minutes, rate, retention, home: values.home, out: values.out, signal: stopping.signal });
    const verdict = stopping.signal.aborted ? 'Ended early' : passed(run) ? 'Flat' : 'Not flat';
    console.log(`\n${verdict}: ${join(values.out, 'soak.md')}`);
    process.exitCode = stopping.signal.aborted ? 130 : passed(run) ? 0 : 1;
  } finally {
    await cluster.stop();
  }
}

interface Settings {
  minutes: number;
  rate: number;
  retention: Record<string, string>;
  home: string;
  out: string;
  signal: AbortSignal;
}

async function soak(cluster: Cluster, { minutes, rate, retention, home, out, signal }: Settings): Promise<Run> {
  const samples: Sample[] = [];
  const observer = new Observer(cluster);
  const [{ version }] = (await cluster.postgres.nodes[0]!.query<{ version: string }>(
    `SELECT current_setting('server_version') AS version`,
  )) as [{ version: string }];
  const shoppers = await Shoppers.start(cluster.url, cluster.accounts.merchant, { rate, count: Math.ceil(rate * 10) });
  const run = (audit?: readonly string[]): Run => ({
    ...{ minutes, rate, samples, accepted: shoppers.accepted, broken: shoppers.answers.broken, leftOut: shoppers.leftOut },
    retention: Object.entries(retention)
      .map(([name, value]) => `${name.replace('_RETENTION', '').toLowerCase()} ${value}`)
      .join(', '),
    versions: `Node ${process.versions.node}, Postgres ${version}, ${cluster.kafka?.describe ?? 'memory transport'}`,
    date: new Date().toISOString().slice(0, 10),
    ...(audit && { audit }),
  });
  mkdirSync(out, { recursive: true });
  const lines = join(home, 'soak.jsonl');
  rmSync(lines, { force: true });

  const end = performance.now() + minutes * 60_000;
  while (performance.now() < end && !signal.aborted) {
    await sleep(Math.min(EVERY, Math.max(0, end - performance.now())), undefined, { signal }).catch(() => undefined);
    const sample = await observer.sample().catch((error: unknown) => console.log(`no sample: ${String(error)}`));
    if (!sample) continue;
    samples.push(sample);
    appendFileSync(lines, `${JSON.stringify(sample)}\n`);
    console.log(lineOf(sample, minutes));
    if (samples.length % 6 === 0) write(out, run());
  }
  await shoppers.stop();
  const audit = await settled(observer, shoppers);
  const done = run(audit);
  if (samples.length) write(out, done);
  return done;
}

/** Orders end a moment after the load; then nothing may be left. */
async function settled(observer: Observer, shoppers: Shoppers): Promise<string[]> {
  for (let tries = 0; ; tries++) {
    const found = await observer.audit(shoppers.accepted);
    if (found.length === 0 || tries === 60) return found;
    await sleep(500);
  }
}

function write(out: string, run: Run): void {
  writeFileSync(join(out, 'soak.md'), report(run));
  writeFileSync(join(out, 'soak.svg'), plot(run.samples, `Soak: ${run.rate} checkouts/s, ${run.date}`));
}

/** So short that in the second half of the run as much goes as comes. */
function retentionFor(minutes: number): Record<string, string> {
  const keep = Math.max(1, Math.floor(minutes / 5));
  const inbox = Math.max(2, keep);
  return {
    TOPIC_RETENTION: `${Math.max(1, Math.floor(inbox / 2))}m`,
    INBOX_RETENTION: `${inbox}m`,
    INTENT_RETENTION: `${keep}m`,
    SAGA_RETENTION: `${keep}m`,
    IDEMPOTENCY_RETENTION: `${keep}m`,
  };
}

function lineOf({ at, latency, tables, memory, outboxPending, consumerLag, orders }: Sample, minutes: number): string {
  const mb = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`;
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return [
    `${(at / 60).toFixed(1).padStart(5)}/${minutes} min`,
    `${orders} orders`,
    `p50 ${Math.round(latency.p50)} ms, p99 ${Math.round(latency.p99)} ms`,
    `tables ${mb(sum(Object.values(tables).map(({ bytes }) => bytes)))}`,
    `memory ${mb(sum(Object.values(memory)))}`,
    `outbox ${outboxPending}, lag ${consumerLag}`,
  ].join(' · ');
}

main().catch((error: unknown) => {
  console.error(`ballast: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
