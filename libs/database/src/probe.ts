import type { Duplex } from 'node:stream';
import pg from 'pg';
import type { DatabaseConfig, Host } from './config.js';
import type { Sighting } from './topology.js';

/** Looks at one server. A look that fails rejects; `close` breaks off one that hangs. */
export interface Probe {
  look(): Promise<Sighting>;
  close(): void;
}

const LOOK = `SELECT pg_is_in_recovery() AS standby,
  CASE WHEN NOT pg_is_in_recovery() THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END AS timeline,
  pg_postmaster_start_time()::text || system_identifier AS instance
  FROM pg_control_system()`;

/** One light connection that is kept between looks. The caller sets the time limits. */
export class PostgresProbe implements Probe {
  private client: pg.Client | undefined;

  constructor(
    private readonly host: Host,
    private readonly config: DatabaseConfig,
  ) {}

  async look(): Promise<Sighting> {
    const client = this.client ?? (await this.open());
    // A look that was broken off fails later, when its successor has a connection of its own: each lets go of its own only.
    try {
      const { rows } = await client.query<{ standby: boolean; timeline: number | null; instance: string }>(LOOK);
      const row = rows[0]!;
      return row.standby ? { state: 'replica' } : { state: 'primary', timeline: row.timeline!, instance: row.instance };
    } catch (error) {
      this.drop(client);
      throw error;
    }
  }

  close(): void {
    if (this.client) this.drop(this.client);
  }

  private drop(client: pg.Client): void {
    if (this.client === client) this.client = undefined;
    streamOf(client).destroy();
  }

  private async open(): Promise<pg.Client> {
    const { name: database, user, password, applicationName = database } = this.config;
    const { host, port } = this.host;
    const client = new pg.Client({ host, port, database, user, password, application_name: `${applicationName} prober` });
    client.on('error', () => {
      if (this.client === client) this.client = undefined;
    });
    this.client = client;
    try {
      await client.connect();
      return client;
    } catch (error) {
      this.drop(client);
      throw error;
    }
  }
}

/** The socket under a client. pg documents no way to break off a connection at once: `end` waits for the server. */
export const streamOf = (client: pg.ClientBase): Duplex => (client as unknown as { connection: { stream: Duplex } }).connection.stream;
