import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { duration } from '@ballast/resilience';
import type { Credentials, DatabaseConfig, Host } from './config.js';
import { streamOf } from './probe.js';
import { routedClient } from './routed-client.js';

const CONNECT_LIMIT = 5_000;
const QUERY_GRACE = 2_000;
const DRAIN_POLL = 10;

export interface RoutedPoolOptions {
  config: DatabaseConfig;
  role: Credentials;
  size: number;
  /** Where a new connection goes; throws when there is nowhere. */
  route: () => Host | Promise<Host>;
  readOnly?: boolean;
  /** Settings of its sessions, e.g. `enable_sort=off`. */
  settings?: readonly string[];
  /** No limits on statements and locks: migrations. */
  unlimited?: boolean;
  /** Statements go on the wire as they are given, not each when the one before was answered. */
  pipeline?: boolean;
}

/** A pg pool that asks for its server at each new connection, and whose connections can be cut when that server is the wrong one. */
export class RoutedPool extends pg.Pool {
  private readonly connections = new Map<pg.ClientBase, Host>();
  private readonly outdated = new WeakSet<pg.ClientBase>();
  private readonly busy = new Set<pg.ClientBase>();

  constructor(options: RoutedPoolOptions) {
    const connections = new Map<pg.ClientBase, Host>();
    super({ ...settings(options), Client: routedClient(options.route, connections) } as pg.PoolConfig);
    this.connections = connections;
    this.on('acquire', (client) => this.busy.add(client));
    this.on('remove', (client) => this.forget(client));
    this.on('error', (_error, client) => this.forget(client));
    this.on('release', (_error, client) => {
      this.busy.delete(client);
      if (this.outdated.has(client)) void (client as unknown as pg.Client).end();
    });
  }

  /** Connections in use. */
  get busyCount(): number {
    return this.totalCount - this.idleCount;
  }

  /** Cuts every connection to a server that is not `allowed` any more, whatever runs on it. */
  cut(allowed: (host: Host) => boolean): void {
    for (const [client, host] of this.connections) if (!allowed(host)) streamOf(client).destroy();
  }

  /** Lets go of connections to other servers than the wanted ones: idle ones now, busy ones when they are given back. */
  prefer(wanted: (host: Host) => boolean): void {
    for (const [client, host] of this.connections) {
      if (wanted(host)) continue;
      if (this.busy.has(client)) this.outdated.add(client);
      else streamOf(client).destroy();
    }
  }

  /**
   * Ends once nobody uses it or waits for it; by force when the signal says so. pg's own `end` alone would let those who
   * wait for a connection run into their time-out.
   */
  async drain(force: AbortSignal): Promise<void> {
    while (this.busyCount + this.waitingCount > 0 && !force.aborted) await sleep(DRAIN_POLL);
    const ended = this.end();
    this.cut(() => !force.aborted);
    await ended;
  }

  private forget(client: pg.ClientBase): void {
    this.connections.delete(client);
    this.busy.delete(client);
  }
}

function settings({
  config,
  role,
  size,
  readOnly,
  unlimited,
  pipeline,
  settings: own = [],
}: RoutedPoolOptions): pg.PoolConfig & { pipeline?: boolean } {
  const statement = duration(config.statementTimeout ?? '10s');
  // The server notices a client that is gone, and stops its statement. It compiles none: these are short, and some look expensive before they run.
  const ofAll = ['client_connection_check_interval=1000', 'jit=off', ...(readOnly ? ['default_transaction_read_only=on'] : [])];
  const options = [...ofAll, ...own].map((setting) => `-c ${setting}`).join(' ');
  return {
    ...role,
    database: config.name,
    max: size,
    application_name: config.applicationName ?? config.name,
    options,
    ...(pipeline && { pipeline }),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: CONNECT_LIMIT,
    idleTimeoutMillis: 30_000,
    idle_in_transaction_session_timeout: unlimited ? 0 : duration(config.idleInTransactionTimeout ?? '15s'),
    ...(!unlimited && {
      statement_timeout: statement,
      lock_timeout: duration(config.lockTimeout ?? '5s'),
      query_timeout: statement + QUERY_GRACE,
    }),
  };
}
