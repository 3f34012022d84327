import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { portIsFree } from '@ballast/testing';
import { ClusterError } from './errors.js';

/** A port and what is to listen on it, e.g. `{ port: 8080, purpose: 'the gateway' }`. */
export interface WantedPort {
  port: number;
  purpose: string;
}

/**
 * Checks that every port can be had, and waits so many milliseconds for those that cannot.
 *
 * @throws {ClusterError} that names each busy port, what it is wanted for and, where it can be had, the process that has it
 */
export async function requirePorts(wanted: readonly WantedPort[], patience = 0): Promise<void> {
  const end = Date.now() + patience;
  let busy = await busyOf(wanted);
  while (busy.length > 0 && Date.now() < end) {
    await sleep(200);
    busy = await busyOf(busy);
  }
  if (busy.length === 0) return;
  const owners = await Promise.all(
    busy.map(async ({ port, purpose }) => {
      const owner = await ownerOf(port);
      return `${port} (${purpose})${owner ? ` by ${owner}` : ''}`;
    }),
  );
  throw new ClusterError(`Busy port: ${owners.join(', ')}. Stop what listens there, or start with --port-offset 100`);
}

async function busyOf(wanted: readonly WantedPort[]): Promise<WantedPort[]> {
  const free = await Promise.all(wanted.map(({ port }) => portIsFree(port)));
  return wanted.filter((_, index) => !free[index]);
}

/** Who listens on a TCP port, e.g. `node (pid 123)`; undefined when this user cannot know. */
async function ownerOf(port: number): Promise<string | undefined> {
  try {
    return process.platform === 'linux' ? ownerInProc(port) : await ownerByLsof(port);
  } catch {
    return undefined;
  }
}

function ownerInProc(port: number): string | undefined {
  const listening = '0A';
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6']
      .flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(1))
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === listening && Number.parseInt(fields[1]?.split(':')[1] ?? '', 16) === port)
      .map((fields) => `socket:[${fields[9]}]`),
  );
  const pid = readdirSync('/proc').find((entry) => /^\d+$/.test(entry) && holdsOneOf(entry, inodes));
  return pid && `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (pid ${pid})`;
}

function holdsOneOf(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.has(linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false; // another user's process, or one that just ended
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

async function ownerByLsof(port: number): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']);
  const [pid, command] = [/^p(\d+)/m.exec(stdout)?.[1], /^c(.+)/m.exec(stdout)?.[1]];
  return pid && `${command} (pid ${pid})`;
}
