import { execFile } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { workspaceRoot } from '@ballast/testing';
import type { Container, Containers } from './containers.js';
import type { Docker } from './docker.js';

/** What a figure was taken on. */
export interface Machine {
  cores: number;
  cpu: string;
  memoryGb: number;
  versions: Record<string, string>;
  /** Base images that were made on this machine, not fetched from where they are published. */
  standIns: string[];
  /** The checkout the run was made from; what was measured before it was kept has none. */
  code?: Code;
}

export interface Code {
  /** Short, with `+changes` where something was not committed. */
  commit: string;
  /** When it was committed. */
  date: string;
}

/** Of this checkout, which the cluster's images are built from; nothing where there is no git. */
export async function codeOf(root = workspaceRoot()): Promise<{ code?: Code }> {
  const git = async (...args: string[]) => (await promisify(execFile)('git', args, { cwd: root, timeout: 30_000 })).stdout.trim();
  try {
    const [commit = '', date = ''] = (await git('log', '-1', '--format=%h %cI')).split(' ');
    // What earlier runs have written is no other code.
    const changes = await git('status', '--porcelain', '--', '.', ':!docs/drills');
    return { code: { commit: commit + (changes ? '+changes' : ''), date } };
  } catch {
    return {};
  }
}

export async function machineOf(docker: Docker, containers: Containers): Promise<Machine> {
  const all = await containers.list();
  const said = async (name: string, command: string[], pattern: RegExp) => {
    const text = all.has(name) ? await containers.exec(all.get(name)!, command).catch(() => '') : '';
    return pattern.exec(text)?.[1] ?? 'unknown';
  };
  return {
    ...{ cores: cpus().length, cpu: cpus()[0]?.model.trim() ?? 'unknown', memoryGb: Math.round(totalmem() / 2 ** 30) },
    versions: {
      Docker: (await docker(['version', '--format', '{{.Server.Version}}'])).trim(),
      Node: await said('order-1', ['node', '--version'], /v(\S+)/),
      Postgres: await said('postgres-1', ['postgres', '--version'], /\) (\S+)/),
      Patroni: await said('postgres-1', ['patroni', '--version'], /(\d\S+)/),
      etcd: await said('etcd-1', ['etcd', '--version'], /Version: (\S+)/),
      Kafka: /:(\S+)$/.exec(all.get('kafka-1')?.image ?? '')?.[1] ?? 'unknown',
      HAProxy: await said('gateway-1', ['haproxy', '-v'], /version (\S+?)[-\s]/),
    },
    standIns: await standIns(docker, [...all.values()]),
  };
}

/** An image that came from a registry has a digest there; ours are built, from the base images named here. */
async function standIns(docker: Docker, containers: readonly Container[]): Promise<string[]> {
  const images = new Set([
    ...containers.map(({ image }) => image).filter((image) => !image.startsWith('ballast/')),
    'debian:trixie-slim',
    'node:24-trixie-slim',
  ]);
  const found: string[] = [];
  for (const image of images) {
    const digests = await docker(['image', 'inspect', '--format', '{{len .RepoDigests}}', image]).catch(() => '');
    if (digests.trim() === '0') found.push(image);
  }
  return found.sort();
}
