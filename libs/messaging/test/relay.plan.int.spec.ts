import { Database } from '@ballast/database';
import { DataSource } from 'typeorm';
import { setLanes } from '../src/index.js';
import { LANE_OF } from '../src/lanes.sql.js';
import { PAGE } from '../src/relay.js';
import { SqlRelayStore } from '../src/relay.store.js';
import { Cleanup, eventually, freshDatabase, migrations } from './harness.js';

const ROWS = 40_000;
const cleanup = new Cleanup();
let database: Database;
let owner: DataSource;

beforeAll(async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  database = await Database.open({ config, migrations });
  cleanup.add(() => database.close());
  await database.ready;
  const { user: username, password } = config.owner!;
  owner = await new DataSource({ type: 'postgres', ...config.hosts[0]!, username, password, database: config.name }).initialize();
  cleanup.add(() => owner.destroy());
});
afterAll(() => cleanup.run());
beforeEach(() => owner.query('TRUNCATE outbox'));

/** On the connection whose reads they count, which tells of the last ones when it is used again. */
const stats = async () =>
  (
    await database.byIndex.query<[{ read: number; deleted: number }]>(
      `SELECT (seq_tup_read + idx_tup_fetch)::int AS read, n_tup_del::int AS deleted FROM pg_stat_user_tables WHERE relname = 'outbox'`,
    )
  )[0];

/** All keys are in this one of two lanes. */
const fill = (lane: number) =>
  database.primary.query(
    `INSERT INTO outbox (id, topic, key, headers, payload) SELECT nextval('outbox_id_seq'), 't', key, '{}', '{}'
     FROM (SELECT 'k' || n AS key FROM generate_series(1, 4 * $2::int) AS n) AS keys WHERE ${LANE_OF('key', '2')} = $1 LIMIT $2`,
    [lane, ROWS],
  );

/** Fills the lane and empties it; how many rows were looked at for that, with an index or without. `beside` runs before each page. */
async function readFor(store: SqlRelayStore, lane: number, beside?: () => Promise<unknown>): Promise<number> {
  const epoch = (await store.acquire(lane, 'one', 600_000))!;
  // As autovacuum leaves it: Postgres takes it for as empty as it is, and later for hardly less so.
  await owner.query('VACUUM outbox');
  // Postgres settles on a plan after five executions, all of them of an empty table here.
  for (let n = 0; n < 20; n++) {
    await store.pending(lane, PAGE);
    await store.remove(lane, epoch, ['0']);
  }
  const before = await stats();
  await fill(lane);
  for (;;) {
    await beside?.();
    const page = (await store.pending(lane, PAGE)).map(({ id }) => id);
    if (!page.length) break;
    for (let n = 0; n < page.length; n += 500) await store.remove(lane, epoch, page.slice(n, n + 500));
  }
  // Statistics come late.
  await eventually(async () => expect((await stats()).deleted - before.deleted).toBeGreaterThanOrEqual(ROWS));
  return (await stats()).read - before.read;
}

describe('a backlog, although each statement was planned when the table was empty,', () => {
  it('is read a page at a time', async () => {
    expect(await readFor(new SqlRelayStore(database), 0)).toBeLessThan(3 * ROWS);
  });

  it('is read a page at a time beside a lane that finds nothing', async () => {
    const store = new SqlRelayStore(database, await setLanes(database, 2));
    // The lane that finds nothing passes over what is left each time, 5.5 times the rows in all.
    expect(await readFor(store, 1, () => store.pending(0, PAGE))).toBeLessThan(9 * ROWS);
  });

  it('is not read once for each of its rows when a record is set aside', async () => {
    const store = new SqlRelayStore(database, await setLanes(database, 1));
    await database.primary.query(
      `INSERT INTO outbox (id, topic, key, headers, payload, parked_at) VALUES (nextval('outbox_id_seq'), 't', 'parked', '{}', '{}', now())`,
    );
    expect(await readFor(store, 0)).toBeLessThan(4 * ROWS);
  });
});
