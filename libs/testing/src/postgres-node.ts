import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type ClientConfig } from 'pg';
import { type Child, type Exit, logTail, startChild } from './child.js';
import { isRunning } from './faults.js';
import type { Host } from './ports.js';
import type { SystemUser } from './postgres-user.js';

/** Small on purpose: a developer's machine runs two of these beside everything else. `fsync` stays on, the guarantees need it. */
const settings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  shared_buffers: '32MB',
  max_connections: '120',
  max_wal_size: '256MB',
  huge_pages: 'off',
  jit: 'off',
  wal_level: 'replica',
  wal_log_hints: 'on',
  max_wal_senders: '5',
  max_replication_slots: '5',
  max_slot_wal_keep_size: '1GB',
  max_worker_processes: '4',
  max_parallel_workers_per_gather: '0',
  hot_standby_feedback: 'on',
  wal_receiver_status_interval: '1s',
  wal_retrieve_retry_interval: '200ms',
  tcp_keepalives_idle: '30',
  log_min_messages: 'warning',
  log_line_prefix: '%m [%p] %a ',
};

export interface PostgresNodeOptions {
  name: string;
  /** PGDATA. */
  data: string;
  port: number;
  executable: string;
  user: SystemUser | undefined;
  superuser: { user: string; password: string };
  logFile: string;
  /** Aborts a start. */
  signal?: AbortSignal | undefined;
}

/** One Postgres server over one data directory: can be killed and started again. */
export class PostgresNode {
  #child: Child | undefined;

  constructor(private readonly options: PostgresNodeOptions) {}

  get name(): string {
    return this.options.name;
  }
  get data(): string {
    return this.options.data;
  }
  get host(): Host {
    return { host: '127.0.0.1', port: this.options.port };
  }
  /** The postmaster's process id; undefined while it does not run. */
  get pid(): number | undefined {
    return this.alive ? this.#child?.pid : undefined;
  }
  get alive(): boolean {
    return this.#child?.alive ?? false;
  }
  /** Settles when the process that was started last is gone; undefined before the first. */
  get exited(): Promise<Exit> | undefined {
    return this.#child?.exited;
  }
  get logFile(): string {
    return this.options.logFile;
  }
  /** Whether it was last set up to follow another node. */
  get isStandby(): boolean {
    return existsSync(join(this.data, 'standby.signal'));
  }

  /** Starts the server and waits until it takes connections. @throws with the end of its log when it ends instead */
  async start(): Promise<void> {
    const { name, executable, data, port, user, logFile, signal } = this.options;
    await predecessorGone(data);
    const parameters = Object.entries({ ...settings, port: String(port) }).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    this.#child = await startChild(`Postgres (${name})`, executable, ['-D', data, ...parameters], {
      ...user,
      cwd: data,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      logFile,
      stopSignal: 'SIGINT', // "fast": ends sessions, writes a checkpoint
      ...(signal && { signal }),
    });
    await this.#ready(this.#child);
  }

  /** Stops it: `SIGINT` ends sessions and writes a checkpoint, `SIGQUIT` and `SIGKILL` are a crash. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Exit | undefined> {
    return this.#child?.stop({ signal });
  }

  /** Runs one statement as the superuser, on a connection of its own. */
  async query<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    return this.session(async (client) => (await client.query<Row>(text, values)).rows);
  }

  /** Runs several statements as the superuser on one connection. */
  async session<T>(work: (client: Client) => Promise<T>, options: ClientConfig = {}): Promise<T> {
    const client = new Client({
      ...this.host,
      ...this.options.superuser,
      database: 'postgres',
      connectionTimeoutMillis: 5_000,
      application_name: 'ballast-launcher',
      ...options,
    });
    client.on('error', () => undefined); // a query in flight reports it; an idle connection that breaks here is of no interest
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  async #ready(child: Child): Promise<void> {
    const end = Date.now() + 60_000;
    for (;;) {
      try {
        await this.query('SELECT 1');
        return;
      } catch (error) {
        this.options.signal?.throwIfAborted();
        if (!child.alive) throw new Error(`${child.name} stopped while it started:\n${logTail(this.options.logFile)}`, { cause: error });
        if (Date.now() > end) {
          await child.stop();
          throw new Error(`${child.name} took no connection within 60 s:\n${logTail(this.options.logFile)}`, { cause: error });
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/**
 * A server that was killed a moment ago may still be ending, or have ended without anyone to reap it: Postgres then takes its
 * lock file for that of a living one and refuses. One that goes on living is left for Postgres to name.
 */
async function predecessorGone(data: string): Promise<void> {
  const lock = join(data, 'postmaster.pid');
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0]);
  const end = Date.now() + 10_000;
  while (isRunning(pid) && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
  if (!isRunning(pid)) rmSync(lock, { force: true });
}
