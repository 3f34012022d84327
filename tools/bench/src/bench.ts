import { ClusterError, messageOf } from '@ballast/cluster';
import { killChildren, NoKafkaError, workspaceRoot } from '@ballast/testing';
import { createLogger } from '@ballast/tracing';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { consumeBench } from './consume.js';
import type { Result } from './figures.js';
import { type Machine, machine, quiet, QUIET } from './machine.js';
import { type BenchName, HELP, type Options, parseOptions } from './options.js';
import { outboxBench } from './outbox.js';
import { plot } from './plot.js';
import { report, summary } from './report.js';
import type { Scale } from './rounds.js';
import { sagaBench } from './saga.js';
import { Stage } from './stage.js';

const BENCH: Record<BenchName, { stage: typeof Stage.open; run: (stage: Stage, scale: Scale) => Promise<Omit<Result, 'seconds'>> }> = {
  outbox: { stage: (options) => Stage.open(options), run: outboxBench },
  consume: { stage: (options) => Stage.open(options), run: consumeBench },
  saga: { stage: (options) => Stage.withPlatform(options), run: sagaBench },
};

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return console.log(HELP);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (stopping.signal.aborted) {
        killChildren();
        process.exit(130);
      }
      console.log('\nStopping (again forces it) …');
      stopping.abort(new ClusterError('stopped'));
    });
  createLogger({ service: 'bench', level: 'error' });

  const results: Result[] = [];
  for (const name of options.benches) results.push(await measure(name, options, stopping.signal));
  console.log(`\n${results.map(summary).join('\n\n')}`);
  if (options.quick) console.log('\n--quick: this shows that all works, and is no figure to publish. Nothing was written.');
  process.exitCode = results.some(({ lost }) => lost !== 0) ? 1 : 0;
}

async function measure(name: BenchName, { quick, rounds, out }: Options, signal: AbortSignal): Promise<Result> {
  const start = performance.now();
  const say = (line: string) => console.log(`${clock(performance.now() - start)}  ${name}  ${line}`);
  const load = quick ? loadavg()[0]! : await quiet(say, signal);
  say('starting what it needs');
  const brokers = process.env['KAFKA_BROKERS']?.split(',').map((broker) => broker.trim());
  const stage = await BENCH[name].stage({ log: say, signal, ...(brokers && { brokers }) });
  try {
    await stage.durable();
    const on = await machine(stage, load);
    say(
      `${Math.round(on.fdatasyncs)} fdatasync/s, load ${on.loadBefore.toFixed(1)}${on.loadBefore > QUIET ? ': the machine is not quiet, so these are no figures to publish' : ''}`,
    );
    // Stopped, its servers go at once: what waits for them is not waited for.
    signal.throwIfAborted();
    const stopped = once(signal, 'abort').then(() => Promise.reject(signal.reason as Error));
    const found = await Promise.race([BENCH[name].run(stage, { rounds, quick, say, signal }), stopped]);
    const result = { ...found, seconds: (performance.now() - start) / 1_000 };
    if (!quick) write(result, on, rounds, out ?? join(workspaceRoot(), 'docs', 'benchmarks'));
    return result;
  } finally {
    await stage.close();
  }
}

function write(result: Result, on: Machine, rounds: number, out: string): void {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${result.name}.md`), report({ machine: on, date: new Date().toISOString().slice(0, 10), rounds, result }));
  writeFileSync(join(out, `${result.name}.svg`), plot(result));
  console.log(`wrote ${join(out, `${result.name}.md`)}`);
}

const clock = (ms: number): string =>
  `${String(Math.floor(ms / 60_000)).padStart(2)}:${String(Math.floor(ms / 1_000) % 60).padStart(2, '0')}`;

main().then(
  () => process.exit(),
  (error: unknown) => {
    const expected = error instanceof ClusterError || error instanceof NoKafkaError;
    console.error(`bench: ${expected ? messageOf(error) : ((error as Error).stack ?? String(error))}`);
    killChildren();
    process.exit(1);
  },
);
