import { existsSync, readFileSync, rmSync } from 'node:fs';
import { isRunning } from '@ballast/testing';
import type { Carrier } from './carrier.js';
import { ClusterError } from './errors.js';
import { readPrivate, writePrivate } from './secrets.js';

/** What runs now, for other commands and for tests: kept up to date while it runs, gone afterwards. */
export interface RunFile {
  /** The starter's process, and when the kernel started it: a process id alone may be another's by now. */
  pid: number;
  startedAt?: string;
  gateway?: string;
  /** The web page of the Jaeger that takes the traces, if there is one. */
  jaeger?: string;
  services: Record<string, { pid: number | undefined; url: string; restarts: number }>;
  /** `memory`: there is none, and all services share one process. */
  kafka?: { kind: Carrier['kind']; brokers: string[]; pid?: number };
  postgres?: { nodes: { name: string; host: string; port: number; pid: number | undefined }[] };
}

/** What runs in a home, or undefined. */
export function readRun(file: string): RunFile | undefined {
  if (!existsSync(file)) return undefined;
  const run = readPrivate<RunFile>(file);
  return isRunning(run.pid) && startOf(run.pid) === run.startedAt ? run : undefined;
}

/**
 * Takes the home for this process.
 *
 * @returns whether an earlier starter died without cleaning up: what it started is then still stopping
 * @throws {ClusterError} when another starter runs there
 */
export function claimRun(file: string): { orphaned: boolean } {
  const other = readRun(file);
  if (other)
    throw new ClusterError(`Ballast runs here already (pid ${other.pid}${other.gateway ? `, ${other.gateway}` : ''}): stop it first`);
  const orphaned = existsSync(file);
  writeRun(file, {});
  return { orphaned };
}

export function writeRun(file: string, run: Partial<RunFile>): void {
  writePrivate(file, { pid: process.pid, startedAt: startOf(process.pid), services: {}, ...run });
}

export function removeRun(file: string): void {
  rmSync(file, { force: true });
}

function startOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19];
  } catch {
    return undefined;
  }
}
