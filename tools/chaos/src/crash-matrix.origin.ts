import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '@ballast/cluster';
import { workspaceRoot } from '@ballast/testing';
import { codeOf } from './machine.js';

/** What the figures of a run are worth nothing without. */
export interface Origin {
  /** As ISO 8601 has it. */
  date: string;
  /** Short, `+changes` where something was not committed; unknown where the sources came without their history. */
  commit: string;
  versions: string;
  cores: number;
  cpu: string;
}

export async function originOf({ postgres, kafka }: Pick<Cluster, 'postgres' | 'kafka'>): Promise<Origin> {
  const [row] = await postgres.nodes[0]!.query<{ version: string }>(`SELECT current_setting('server_version') AS version`);
  const { code } = await codeOf();
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: code?.commit ?? 'unknown',
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    versions: [`Node ${process.versions.node}`, `Postgres ${row?.version.split(' ')[0]}`, kafka.describe, kafkaClient()].join(', '),
  };
}

/** The one that the services use: they inherit the variable. */
function kafkaClient(): string {
  const name = process.env['KAFKA_CLIENT'] === 'platformatic' ? '@platformatic/kafka' : 'kafkajs';
  const folders = createRequire(join(workspaceRoot(), 'libs/messaging/package.json')).resolve.paths(name) ?? [];
  for (const each of folders)
    try {
      return `${name} ${(JSON.parse(readFileSync(join(each, name, 'package.json'), 'utf8')) as { version: string }).version}`;
    } catch {
      continue;
    }
  return name;
}
