import { afterCommit, beforeCommit, Database, NotInTransactionError, type Tx } from '@ballast/database';
import { event, type WireRecord } from '@ballast/message';
import type { Client } from 'pg';
import { z } from 'zod';
import { systemClock, Outbox, PayloadTooLargeError } from '../src/index.js';
import { APPEND, APPEND_ONE, appending, lockKeys, sqlOutboxStore } from '../src/outbox.store.js';
import { Wakeup } from '../src/wakeup.js';
import { Cleanup, freshDatabase, migrations, eventually } from './harness.js';

const happened = event('shop.happened.v1', { key: (p) => p.id, payload: z.object({ id: z.string(), text: z.string().optional() }) });
const cleanup = new Cleanup();
let database: Database;
let outbox: Outbox;
let ids = 0;
const relay = new Wakeup();

beforeAll(async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  database = await Database.open({ config: { ...config, poolSize: 10 }, migrations });
  cleanup.add(() => database.close());
  await database.ready;
  outbox = new Outbox({ service: 'shop', store: sqlOutboxStore, clock: systemClock, newId: () => `id-${++ids}`, relay });
});
afterAll(() => cleanup.run());
beforeEach(() => database.primary.query('DELETE FROM outbox'));

const rows = () =>
  database.primary.query<{ id: string; key: string; headers: Record<string, string> }[]>('SELECT * FROM outbox ORDER BY id');
const add = (tx: Tx, id: string) => outbox.add(tx, happened({ id }));

/** A transaction that has written its outbox rows and stays just before COMMIT until told to go on. */
function held(...keys: string[]) {
  let release!: () => void;
  let reached!: () => void;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const before = new Promise<void>((resolve) => (reached = resolve));
  // As the statement and COMMIT arrive: one behind the other.
  const store = { append: async (tx: Tx, records: readonly WireRecord[]) => void (await tx.query(...appending(records))) };
  const slow = new Outbox({ service: 'shop', store, clock: systemClock, newId: () => `id-${++ids}`, relay });
  const done = database.transaction(async (tx) => {
    for (const id of keys) await slow.add(tx, happened({ id }));
    beforeCommit(tx, {}, () => {
      reached();
      return gate;
    });
  });
  return { before, release, done };
}

it('writes nothing before COMMIT, and nothing when the transaction rolls back', async () => {
  await expect(
    database.transaction(async (tx) => {
      await add(tx, 'a');
      expect(await tx.query('SELECT 1 FROM outbox')).toHaveLength(0);
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect(await rows()).toHaveLength(0);
});

it('adds one fact in several versions as one message: one id, one behind the other', async () => {
  const next = event('shop.happened.v2', { key: (p) => p.id, payload: z.object({ id: z.string(), note: z.string() }) });
  await database.transaction(async (tx) => {
    await outbox.add(tx, happened({ id: 'a', text: 'x' }), next({ id: 'a', note: 'x' }));
    await add(tx, 'b');
  });
  const sent = (await rows()).map(({ key, headers }) => [key, headers['ce_type'], headers['ce_id'], headers['ce_time']]);
  const [, , id, time] = sent[0]!;
  expect(sent.slice(0, 2)).toEqual([
    ['a', 'shop.happened.v1', id, time],
    ['a', 'shop.happened.v2', id, time],
  ]);
  expect(sent[2]![2]).not.toBe(id);
});

it('refuses as another version what is another event, another key, or the same version', async () => {
  const other = event('shop.other.v2', { key: (p) => p.id, payload: z.object({ id: z.string() }) });
  const next = event('shop.happened.v2', { key: (p) => p.id, payload: z.object({ id: z.string() }) });
  for (const wrong of [other({ id: 'a' }), next({ id: 'b' }), happened({ id: 'a' })])
    await expect(database.transaction((tx) => outbox.add(tx, happened({ id: 'a' }), wrong))).rejects.toThrow(/is no other version/);
  expect(await rows()).toHaveLength(0);
});

it('takes back what a rolled-back savepoint added', async () => {
  await database.transaction(async (tx) => {
    await add(tx, 'kept');
    await tx
      .transaction(async (inner) => {
        await add(inner as Tx, 'dropped');
        throw new Error('inner');
      })
      .catch(() => undefined);
  });
  expect((await rows()).map((row) => row.key)).toEqual(['kept']);
});

it('refuses a manager outside of a transaction, and one whose transaction has ended', async () => {
  await expect(outbox.add(database.primary as Tx, happened({ id: 'a' }))).rejects.toThrow(NotInTransactionError);
  const tx = await database.transaction(async (tx) => tx);
  await expect(outbox.add(tx, happened({ id: 'a' }))).rejects.toThrow(NotInTransactionError);
  expect(await rows()).toHaveLength(0);
});

it('refuses a payload a broker would not take', async () => {
  const work = database.transaction((tx) => outbox.add(tx, happened({ id: 'a', text: 'x'.repeat(600 * 1024) })));
  await expect(work).rejects.toThrow(PayloadTooLargeError);
});

it('keeps the order of add within a transaction', async () => {
  const keys = Array.from({ length: 300 }, (_, i) => `k${(i * 7919) % 300}`);
  await database.transaction(async (tx) => {
    for (const key of keys) await add(tx, key);
  });
  expect((await rows()).map((row) => row.key)).toEqual(keys);
});

it('makes a second transaction of a key wait for the commit of the first, and draws its ids only then', async () => {
  const first = held('shared');
  await first.before;
  let secondDone = false;
  const second = database.transaction((tx) => add(tx, 'shared')).then(() => (secondDone = true));
  await eventually(async () => {
    const waiting = await database.primary.query('SELECT 1 FROM pg_locks WHERE locktype = $1 AND NOT granted', ['advisory']);
    expect(waiting).toHaveLength(1);
  });
  await database.transaction((tx) => add(tx, 'other'));
  expect(secondDone).toBe(false);
  first.release();
  await Promise.all([first.done, second]);
  // Had the waiting one drawn its id before its lock, it would stand before `other`.
  expect((await rows()).map((row) => row.key)).toEqual(['shared', 'other', 'shared']);
});

it('evaluates the locks below the ids in the plan', async () => {
  const explain = await database.transaction((tx) =>
    tx.query<{ 'QUERY PLAN': string }[]>(`EXPLAIN (VERBOSE, COSTS OFF) ${APPEND}`, [['1'], ['t'], ['k'], ['{}'], ['{}']]),
  );
  const plan = explain.map((line) => line['QUERY PLAN']);
  const line = (text: string) => plan.findIndex((row) => row.includes(text));
  const depth = (row: number) => plan[row]!.search(/\S/);
  const [ids, join, locks] = [line("nextval('outbox_id_seq'"), line('Nested Loop'), line('CTE Scan on locked')];
  // Ids are made above the join, and the join has read the one row of locks before it gives its first.
  expect(Math.min(ids, join, locks)).toBeGreaterThan(0);
  expect(ids).toBeLessThan(join);
  expect(depth(join)).toBeLessThan(depth(locks));
});

it('evaluates the lock of a single record before its id, too', async () => {
  type Plan = [{ 'QUERY PLAN': [{ Plan: { Plans: Node[] } }] }];
  const explain = `EXPLAIN (VERBOSE, FORMAT JSON) ${APPEND_ONE}`;
  const [{ 'QUERY PLAN': plan }] = await database.transaction((tx) => tx.query<Plan>(explain, ['1', 't', 'k', '{}', '{}']));
  type Node = { Plans?: Node[]; 'Node Type': string; 'Subplan Name'?: string; 'CTE Name'?: string; Output: string[] };
  const [locks, ids] = plan[0].Plan.Plans;
  // A scan makes its output of a row it has read, and the row is made by the lock.
  expect(locks).toMatchObject({ 'Subplan Name': 'CTE locked', Output: [expect.stringContaining('pg_advisory_xact_lock')] });
  const scan = ids!.Plans![0]!;
  expect(scan).toMatchObject({ 'Node Type': 'CTE Scan', 'CTE Name': 'locked' });
  expect(scan.Output.join()).toContain("nextval('outbox_id_seq'");
});

it('does not deadlock when transactions share keys in different orders', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
  const work = Array.from({ length: 60 }, (_, i) =>
    database.transaction(
      async (tx) => {
        for (const key of i % 2 ? keys : [...keys].reverse()) await add(tx, key);
      },
      { attempts: 1 },
    ),
  );
  await Promise.all(work);
  expect(await rows()).toHaveLength(60 * keys.length);
});

it('sorts lock numbers as numbers and takes each once', () => {
  const record = (key: string) => ({ topic: 't', key, value: '', headers: {} });
  const locks = lockKeys(['x', 'y', 'z', 'x', 'w'].map(record)).map(BigInt);
  expect(locks).toHaveLength(4);
  expect([...locks].sort((a, b) => (a < b ? -1 : 1))).toEqual(locks);
});

it('is vacuumed by number of dead rows, not by share of the table', async () => {
  const [{ options }] = await database.primary.query<[{ options: string[] }]>(
    `SELECT reloptions AS options FROM pg_class WHERE relname = 'outbox'`,
  );
  expect(options).toEqual(expect.arrayContaining(['autovacuum_vacuum_scale_factor=0', 'autovacuum_vacuum_threshold=1000']));
});

it('sends no NOTIFY, which would make commits queue up', async () => {
  let sent: unknown[] = [];
  await database.transaction(async (tx) => {
    const query = jest.spyOn((await tx.queryRunner!.connect()) as Client, 'query');
    afterCommit(tx, () => {
      sent = query.mock.calls.map(([batch]) => (batch as unknown as { statements: { text: string }[] }).statements.map(({ text }) => text));
      query.mockRestore();
    });
    await add(tx, 'a');
    await add(tx, 'b');
  });
  expect(sent).toEqual([['BEGIN', APPEND, 'COMMIT']]);
  expect(APPEND + APPEND_ONE).not.toMatch(/notify/i);
});
