/**
 * A bare writer beside the shop, in a container among the databases: on every server that says it is a primary it commits one row after
 * the other, and prints each that was acknowledged: `{n, node, timeline, asked, at}`, times in milliseconds since 1970.
 *
 *     node --input-type=module - RUN HOST… < writer.mjs
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const [run, ...hosts] = process.argv.slice(2);
const password = readFileSync('/run/secrets/SUPERUSER_PASSWORD', 'utf8').trim();
const TIMELINE = `('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int`;
let n = 0;

for (const host of hosts) void write(host);

async function write(host) {
  for (;;) {
    const client = new pg.Client({
      ...{ host, user: 'postgres', database: 'postgres', password, application_name: 'chaos writer' },
      ...{ connectionTimeoutMillis: 1_000, query_timeout: 5_000 },
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await commits(client, host);
    } catch {
      client.connection.stream.destroy();
      await sleep(50);
    }
  }
}

async function commits(client, node) {
  for (;;) {
    const { rows } = await client.query('SELECT pg_is_in_recovery() AS standby');
    if (!rows[0].standby) break;
    await sleep(100);
  }
  await client.query('CREATE TABLE IF NOT EXISTS chaos_write (run text, n bigint, PRIMARY KEY (run, n))');
  for (;;) {
    const [own, asked] = [++n, Date.now()];
    const { rows } = await client.query(`INSERT INTO chaos_write VALUES ($1, $2) RETURNING ${TIMELINE} AS timeline`, [run, own]);
    process.stdout.write(`${JSON.stringify({ n: own, node, timeline: rows[0].timeline, asked, at: Date.now() })}\n`);
    await sleep(25);
  }
}
