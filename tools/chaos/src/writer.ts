import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { workspaceRoot } from '@ballast/testing';
import type { Containers } from './containers.js';
import type { Docker } from './docker.js';
import type { Patroni } from './patroni.js';
import type { Rollback } from './rollback.js';

/** A row that a server said it has. Times in milliseconds since 1970. */
export interface Write {
  n: number;
  node: string;
  timeline: number;
  asked: number;
  at: number;
}

const NAME = 'ballast-chaos-writer';

/** A bare writer in a container of its own (infra/chaos/writer.mjs): what the databases do, without the shop in front. */
export class Writer {
  readonly writes: Write[] = [];
  private readonly run = `${Date.now()}`;

  constructor(
    private readonly docker: Docker,
    private readonly containers: Containers,
    private readonly patroni: Patroni,
    private readonly rollback: Rollback,
  ) {}

  async start(): Promise<void> {
    const all = await this.containers.list();
    const hosts = [...all.keys()].filter((name) => /^postgres-\d+$/.test(name)).sort();
    const { project } = this.containers;
    this.rollback.plan({ undo: 'cool-down', name: 'writer', container: NAME });
    const options = ['-i', '--rm', '--init', '--name', NAME, '--network', `${project}_inner`, '--memory', '128m', '--user', '0'];
    const secrets = ['-v', `${project}_postgres-secrets:/run/secrets:ro`];
    const command = [all.get('order-1')!.image, 'node', '--input-type=module', '-', this.run, ...hosts];
    const child = spawn('docker', ['run', ...options, ...secrets, ...command], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => undefined).end(readFileSync(join(workspaceRoot(), 'infra', 'chaos', 'writer.mjs')));
    createInterface(child.stdout).on('line', (line) => this.writes.push(JSON.parse(line) as Write));
  }

  /** Ends it and gives how many acknowledged rows the primary does not have. */
  async lost(): Promise<number> {
    await this.rollback.undo('cool-down', ['writer']);
    const text = await this.patroni.query('postgres', `SELECT coalesce(json_agg(n), '[]') FROM chaos_write WHERE run = '${this.run}'`);
    const there = new Set(JSON.parse(text) as number[]);
    await this.patroni.query('postgres', 'DROP TABLE chaos_write');
    return this.writes.filter(({ n }) => !there.has(n)).length;
  }
}
