import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from './stage.js';

/** What a figure is worth nothing without. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGb: number;
  /** Writes of 8 KB that the disk of the databases confirms, one after the other. */
  fdatasyncs: number;
  /** Load of one minute before the run: of a quiet machine it is near 0. */
  loadBefore: number;
  versions: string;
}

/** More than this, of one minute, and the machine was at other work. */
export const QUIET = 0.5;

/** The load before the run has started anything itself; what ran just before it is given three minutes to fade. */
export async function quiet(say: (line: string) => void, signal: AbortSignal): Promise<number> {
  const load = () => loadavg()[0]!;
  if (load() > QUIET) say(`the machine has a load of ${load().toFixed(1)}: waiting for three minutes at most`);
  for (const end = performance.now() + 180_000; load() > QUIET && performance.now() < end;) await sleep(2_000, undefined, { signal });
  return load();
}

export async function machine(stage: Stage, loadBefore: number, seconds = 2): Promise<Machine> {
  const [{ version }] = (await stage.postgres.nodes[0]!.query<{ version: string }>(
    `SELECT current_setting('server_version') AS version`,
  )) as [{ version: string }];
  const libraries = ['kafkajs', 'pg', 'typeorm', '@dbos-inc/dbos-sdk'].map((name) => `${name} ${versionOf(name)}`);
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    fdatasyncs: fdatasyncs(seconds),
    loadBefore,
    versions: [`Node ${process.versions.node}`, `Postgres ${version}`, stage.kafka.describe, ...libraries].join(', '),
  };
}

/** Time of all processors since the machine's start, ms. */
export interface Processors {
  busy: number;
  all: number;
}

export function processors(): Processors {
  const sum = { busy: 0, all: 0 };
  for (const { times } of cpus()) {
    const all = Object.values(times).reduce((total, time) => total + time, 0);
    sum.all += all;
    sum.busy += all - times.idle;
  }
  return sum;
}

/** Which share of their time they were busy since then. */
export function busySince(before: Processors): number {
  const now = processors();
  return (now.busy - before.busy) / Math.max(1, now.all - before.all);
}

/** Where the databases lie: a temporary directory of the same file system. */
export function fdatasyncs(seconds: number): number {
  const directory = mkdtempSync(join(tmpdir(), 'ballast-fdatasync-'));
  const page = Buffer.alloc(8_192, 1);
  let file: number | undefined;
  try {
    file = openSync(join(directory, 'file'), 'w');
    const start = performance.now();
    let count = 0;
    for (; performance.now() - start < seconds * 1_000; count++) {
      writeSync(file, page, 0, page.length, (count % 256) * page.length);
      fdatasyncSync(file);
    }
    return count / ((performance.now() - start) / 1_000);
  } finally {
    if (file !== undefined) closeSync(file);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Of a package that may export nothing but its entry. */
function versionOf(name: string): string {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? [])
    try {
      return (JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as { version: string }).version;
    } catch {
      continue;
    }
  return 'not installed';
}
