import pg from 'pg';
import { memory } from './status-memory.js';

export interface PostgresStatus {
  name: string;
  host: string;
  port: number;
  pid?: number;
  role: 'primary' | 'replica' | 'down';
  /** How far it is behind the primary. */
  lagBytes?: number;
  memoryBytes?: number;
}

/** A login that may ask: any service's will do. */
export interface Login {
  database: string;
  user: string;
  password: string;
}

interface Node {
  name: string;
  host: string;
  port: number;
  pid?: number | undefined;
}

/** Asks each node what it is. */
export async function postgresStatus(nodes: readonly Node[], login: Login): Promise<PostgresStatus[]> {
  const answers = await Promise.all(nodes.map((node) => ask(node, login)));
  // The furthest one: a primary's position, against which the others are behind.
  const end = answers.reduce((most, answer) => (answer && !answer.standby && answer.position > most ? answer.position : most), 0n);
  return nodes.map(({ name, host, port, pid }, index) => {
    const answer = answers[index];
    const bytes = pid === undefined ? undefined : memory(pid, { family: true });
    const behind = answer?.standby && end > 0n ? Number(end - answer.position) : undefined;
    return {
      ...{ name, host, port, role: !answer ? 'down' : answer.standby ? 'replica' : 'primary' },
      ...(pid !== undefined && { pid }),
      ...(behind !== undefined && { lagBytes: Math.max(0, behind) }),
      ...(bytes !== undefined && { memoryBytes: bytes }),
    };
  });
}

async function ask({ host, port }: Node, login: Login): Promise<{ standby: boolean; position: bigint } | undefined> {
  const client = new pg.Client({ host, port, ...login, connectionTimeoutMillis: 3_000, query_timeout: 3_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ standby: boolean; position: string }>(
      `SELECT pg_is_in_recovery() AS standby,
              pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, '0/0')::text AS position`,
    );
    return rows[0] && { standby: rows[0].standby, position: BigInt(rows[0].position) };
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}
