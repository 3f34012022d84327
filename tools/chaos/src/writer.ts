import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ClusterError, messageOf } from '@ballast/cluster';
import { workspaceRoot } from '@ballast/testing';
import { type Containers, isDatabase } from './containers.js';
import type { Patroni } from './patroni.js';
import type { Rollback } from './rollback.js';

/** A row that a server said it has. Times in milliseconds since 1970. */
export interface Write {
  /** Counted from 1; those that were committed inside a server's container (`commitInside`) from -1 down. */
  n: number;
  node: string;
  timeline: number;
  asked: number;
  at: number;
}

const FIRST_ROW_WITHIN = 30_000;
const INSIDE_WITHIN_SECONDS = 4;
/** As in writer.mjs. */
const TIMELINE = `('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int`;

/** A bare writer in a container of its own (infra/chaos/writer.mjs): what the databases do, without the shop in front. */
export class Writer {
  readonly writes: Write[] = [];
  /** Why it is gone, although nobody has ended it: from then on its silence says nothing. */
  ended?: string;
  private ending = false;
  private inside = 0;
  private readonly run = `${Date.now()}`;

  constructor(
    private readonly containers: Containers,
    private readonly patroni: Patroni,
    private readonly rollback: Rollback,
    private readonly launch: (args: string[]) => ReturnType<typeof docker> = docker,
  ) {}

  /** Resolves with its first row. @throws {ClusterError} when none comes */
  async start(): Promise<void> {
    const all = await this.containers.list();
    const hosts = [...all.keys()].filter(isDatabase).sort();
    const { project } = this.containers;
    const name = `${project}-chaos-writer`;
    this.rollback.plan({ undo: 'cool-down', name: 'writer', container: name });
    const options = ['-i', '--rm', '--init', '--name', name, '--network', `${project}_inner`, '--memory', '128m', '--user', '0'];
    const secrets = ['-v', `${project}_postgres-secrets:/run/secrets:ro`];
    const command = [all.get('order-1')!.image, 'node', '--input-type=module', '-', this.run, ...hosts];
    const child = this.launch(['run', ...options, ...secrets, ...command]);
    child.stdin.on('error', () => undefined).end(readFileSync(join(workspaceRoot(), 'infra', 'chaos', 'writer.mjs')));
    const lines = createInterface(child.stdout).on('line', (line) => this.writes.push(JSON.parse(line) as Write));
    await new Promise<void>((resolve, reject) => {
      const end = (why: string) => {
        if (!this.ending) this.ended ??= why;
        reject(new ClusterError(`the bare writer ${why}`));
      };
      lines.once('line', () => resolve());
      child.once('error', (error) => end(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => end(`ended with ${code ?? signal}`));
      setTimeout(() => reject(new ClusterError('the bare writer wrote nothing')), FIRST_ROW_WITHIN).unref();
    });
  }

  /**
   * Asks a server for one row inside its own container, where no network is needed, and says what came of it. What is acknowledged counts
   * like any other row: it must not be lost, nor come after one of a later timeline.
   */
  async commitInside(node: string): Promise<string> {
    const n = -++this.inside;
    const asked = Date.now();
    const sql = `INSERT INTO chaos_write VALUES ('${this.run}', ${n}) RETURNING ${TIMELINE}`;
    try {
      const timeline = await this.patroni.queryWithin(INSIDE_WITHIN_SECONDS, node, 'postgres', sql);
      if (timeline === undefined) return `${node} did not acknowledge a row asked for inside it within ${INSIDE_WITHIN_SECONDS} s`;
      this.writes.push({ n, node, timeline: Number(timeline), asked, at: Date.now() });
      return `${node} acknowledged a row asked for inside it, on timeline ${Number(timeline)}`;
    } catch (error) {
      return `${node} refused a row asked for inside it: ${/ERROR: .*/.exec(messageOf(error))?.[0] ?? messageOf(error)}`;
    }
  }

  /** Ends it and gives how many acknowledged rows the primary does not have. */
  async lost(): Promise<number> {
    this.ending = true;
    await this.rollback.undo('cool-down', ['writer']);
    const text = await this.patroni.query('postgres', `SELECT coalesce(json_agg(n), '[]') FROM chaos_write WHERE run = '${this.run}'`);
    const there = new Set(JSON.parse(text) as number[]);
    await this.patroni.query('postgres', 'DROP TABLE chaos_write');
    return this.writes.filter(({ n }) => !there.has(n)).length;
  }
}

const docker = (args: string[]) => spawn('docker', args, { stdio: ['pipe', 'pipe', 'inherit'] });
