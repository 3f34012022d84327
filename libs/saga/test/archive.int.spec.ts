import { randomUUID } from 'node:crypto';
import { Database, pruneStatement, Retention } from '@ballast/database';
import { testDatabase } from '@ballast/testing';
import { archiving, DEFAULT_KEEP } from '../src/archive.js';
import { newRecord, sagaMigrations, type HistoryEntry, type SagaRecord, type SagaStatus } from '../src/index.js';
import { PostgresSagaStore } from '../src/postgres-store.js';

const HOUR = 3_600_000;
const cleanups: (() => Promise<unknown>)[] = [];
let database: Database;
let store: PostgresSagaStore;

beforeAll(async () => {
  const { config, drop } = await testDatabase('saga');
  cleanups.unshift(drop);
  database = await Database.open({ config, entities: [], migrations: sagaMigrations });
  cleanups.unshift(() => database.close());
  await database.ready;
  store = new PostgresSagaStore(database);
});
afterAll(async () => {
  for (const work of cleanups) await work();
});
beforeEach(() => database.primary.query('DELETE FROM saga; DELETE FROM saga_archive'));

const failure = { step: 'pay', code: 'CARD_REFUSED', message: 'no' };
const history: HistoryEntry[] = [
  { step: 'trip.v1', outcome: 'started' },
  { step: 'pay', outcome: 'failed', code: 'CARD_REFUSED' },
  { step: 'trip.v1', outcome: 'compensated' },
];

async function saga(status: SagaStatus, changedBefore: number): Promise<string> {
  const id = randomUUID();
  await database.transaction(async (tx) => {
    const { record } = (await store.insert(tx, newRecord('trip.v1', id, { secret: 1 }, {}), 'one'))!;
    const saved: SagaRecord = { ...record, status, ...(status === 'COMPENSATED' && { failure }), entries: history.length };
    await store.save(tx, { record: saved, stepName: 'one', history, traceId: 'abc' });
    await tx.query(
      `UPDATE saga SET updated_at = now() - $2 * interval '1 ms', finished_at = CASE WHEN finished_at IS NOT NULL THEN now() - $2 * interval '1 ms' END
       WHERE id = $1`,
      [id, changedBefore],
    );
  });
  return id;
}

function prune(): Promise<Record<string, number>> {
  const retention = new Retention(database, new AbortController().signal);
  retention.add(archiving(DEFAULT_KEEP));
  return retention.prune();
}

const count = async (table: string) =>
  (await database.primary.query<[{ count: number }]>(`SELECT count(*)::int AS count FROM ${table}`))[0].count;

it('leaves a row of its own of a saga that ended long ago, and its history as it was', async () => {
  const id = await saga('COMPENSATED', DEFAULT_KEEP + HOUR);
  const read = async () => ({
    view: (await store.findAll(database.primary, [id])).get(id)!,
    timeline: (await store.timelines(database.primary, [id])).get(id)!,
    news: (await store.news(database.primary, new Map([[id, 1]]))).get(id)!,
  });
  const before = await read();
  expect(await prune()).toEqual({ saga: 1 });
  expect([await count('saga'), await count('saga_history'), await count('saga_archive')]).toEqual([0, 0, 1]);

  const after = await read();
  const { state, ...view } = before.view;
  expect(state).toEqual({ secret: 1 });
  expect(after.view).toEqual(view);
  const untraced = ({ traceId, ...entry }: { traceId?: string }) => (expect(traceId).toBe('abc'), entry);
  expect(after.timeline).toEqual(before.timeline.map(untraced));
  expect(after.news).toEqual({ ...before.news, entries: before.news.entries.map(untraced) });
  expect(after.news.entries.map(({ seq }) => seq)).toEqual([2, 3]);
  expect(JSON.stringify(await database.primary.query('SELECT * FROM saga_archive'))).not.toContain('secret');
});

it('leaves the young, those at work and those that are stuck, however old', async () => {
  const young = await saga('COMPLETED', DEFAULT_KEEP - HOUR);
  const stuck = await saga('STUCK', 10 * DEFAULT_KEEP);
  const running = await saga('RUNNING', 10 * DEFAULT_KEEP);
  expect(await prune()).toEqual({ saga: 0 });
  expect([...(await store.findAll(database.primary, [young, stuck, running])).keys()].sort()).toEqual([young, stuck, running].sort());
});

it('goes on in batches until all are done', async () => {
  // As many at once as the pool has connections: a caller waits for one for 5 s at most.
  const many = async () => {
    for (let n = 0; n < 50; n++) await saga('COMPLETED', DEFAULT_KEEP + HOUR);
  };
  await Promise.all(Array.from({ length: 5 }, many));
  expect(await prune()).toEqual({ saga: 250 });
  expect([await count('saga_history'), await count('saga_archive')]).toEqual([0, 250]);
});

it('starts no archived saga again', async () => {
  const id = await saga('COMPLETED', DEFAULT_KEEP + HOUR);
  await prune();
  expect(await database.transaction((tx) => store.insert(tx, newRecord('trip.v1', id, {}, {}), 'one'))).toBeNull();
  expect(await count('saga')).toBe(0);
});

it('finds those that ended by an index', async () => {
  await database.transaction(async (tx) => {
    await tx.query('SET LOCAL enable_seqscan = off');
    const plan = await tx.query<{ 'QUERY PLAN': string }[]>(`EXPLAIN ${pruneStatement(archiving(DEFAULT_KEEP))}`, [100, DEFAULT_KEEP]);
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain('saga_finished');
  });
});

describe('news', () => {
  it('has what came since the last entry that is known, by saga and in order', async () => {
    const [one, two, known] = [await saga('COMPENSATED', 0), await saga('RUNNING', 0), await saga('COMPLETED', 0)];
    const news = await store.news(
      database.primary,
      new Map([
        [one, 0],
        [two, 2],
        [known, 3],
        [randomUUID(), 0],
      ]),
    );
    expect([...news.keys()].sort()).toEqual([one, two].sort());
    expect(news.get(one)).toMatchObject({ status: 'COMPENSATED', failure });
    expect(news.get(one)!.entries).toEqual(history.map((entry, i) => ({ ...entry, seq: i + 1, at: expect.any(Date), traceId: 'abc' })));
    expect(news.get(two)).toEqual({ status: 'RUNNING', entries: [expect.objectContaining({ seq: 3, outcome: 'compensated' })] });
  });

  it('asks for nothing when nothing is known of', async () => {
    expect(await store.news(database.primary, new Map())).toEqual(new Map());
  });
});
