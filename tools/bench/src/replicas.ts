import type { Database, DatabaseConfig } from '@ballast/database';
import type { LaneBacklog } from '@ballast/messaging';
import { type Child, logTail, startChild, workspaceRoot } from '@ballast/testing';
import { join } from 'node:path';
import { until } from './load.js';
import type { Stage, Store } from './stage.js';

/** What a replica is started with. */
export interface ReplicaOptions {
  name: string;
  brokers: string[];
  config: DatabaseConfig;
}
/** That it commits so many rows. */
export interface Asked {
  commit: number;
}
/** What has come since it last told: to be added up. */
export type Told = Partial<Record<'ready' | 'committed' | 'sent', number>>;

const PROGRAM = join(workspaceRoot(), 'tools', 'bench', 'dist', 'replica.process.js');

export interface ReplicasSettings {
  stage: Stage;
  /** Of the service whose replicas they are. */
  store: Store;
  database: Database;
  /** Its lanes at present. */
  lanes(): Promise<LaneBacklog[]>;
  signal: AbortSignal;
}

/** Replicas of the sending service, each a process with a name of its own, as they are deployed. They end with this process, however it ends. */
export class Replicas {
  private readonly running: { child: Child; logFile: string }[] = [];
  private readonly told = { ready: 0, committed: 0, sent: 0 };

  constructor(private readonly s: ReplicasSettings) {}

  get database(): Database {
    return this.s.database;
  }

  /** One more, which has its database. */
  async add(): Promise<void> {
    const name = `bench-${this.running.length + 1}`;
    const { stage, store, signal } = this.s;
    const logFile = join(stage.directory, `${name}.log`);
    const options: ReplicaOptions = { name, brokers: stage.kafka.brokers, config: store.config };
    const child = await startChild(name, process.execPath, [PROGRAM], {
      ...{ logFile, ipc: true, signal },
      env: { ...process.env, BENCH_REPLICA: JSON.stringify(options) },
    });
    this.running.push({ child, logFile });
    child.process.on('message', (told: Told) => {
      for (const [what, count] of Object.entries(told)) this.told[what as keyof Told] += count;
    });
    await this.until(`${name} starting`, () => this.told.ready === this.running.length);
  }

  /** Until each of them owns one of the lanes, of which there are as many. */
  async eachOwnsOne(): Promise<void> {
    const names = this.running.map(({ child }) => child.name);
    await this.until(`each of ${names.join(', ')} owning a lane`, async () => eachOwnsOne(await this.s.lanes(), names));
  }

  /** By the first of them, as a service does it: so that all are woken. */
  async commit(rows: number): Promise<void> {
    const { committed } = this.told;
    this.running[0]!.child.process.send({ commit: rows } satisfies Asked);
    await this.until(`committing ${rows} rows`, () => this.told.committed > committed);
  }

  /** Records the broker has acknowledged, to all of them. @throws when one of them has ended */
  sent(): number {
    this.mustLive();
    return this.told.sent;
  }

  async stop(): Promise<void> {
    await Promise.all(this.running.map(({ child }) => child.stop()));
  }

  private until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    return until(what, () => {
      this.mustLive();
      return isSo();
    });
  }

  private mustLive(): void {
    for (const { child, logFile } of this.running) if (!child.alive) throw new Error(`${child.name} has ended:\n${logTail(logFile)}`);
  }
}

export function eachOwnsOne(lanes: readonly Pick<LaneBacklog, 'owner'>[], names: readonly string[]): boolean {
  const owners = lanes.map(({ owner }) => owner);
  return owners.length === names.length && names.every((name) => owners.includes(name));
}
