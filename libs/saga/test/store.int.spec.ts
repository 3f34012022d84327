import { randomUUID } from 'node:crypto';
import { Database } from '@ballast/database';
import { testDatabase } from '@ballast/testing';
import { newRecord, sagaMigrations, type SagaRecord } from '../src/index.js';
import { PostgresSagaStore } from '../src/postgres-store.js';
import type { DueSaga } from '../src/store.js';

let database: Database;
let store: PostgresSagaStore;
const cleanups: (() => Promise<unknown>)[] = [];

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
beforeEach(() => database.primary.query('DELETE FROM saga'));

const sql = (text: string, parameters: unknown[] = []) => database.primary.query<Record<string, string>[]>(text, parameters);
const clock = async () => Number((await sql('SELECT working_ms FROM saga_clock'))[0]!['working_ms']);
const lastTick = (ago: string) => sql(`UPDATE saga_clock SET ticked_at = clock_timestamp() - $1::interval`, [ago]);

/** A saga that waits until the clock has gone on by `within`. */
async function waiting(within: number, definition = 'trip.v1'): Promise<string> {
  const id = randomUUID();
  await database.transaction(async (tx) => {
    const saga = await store.insert(tx, newRecord(definition, id, { n: 1 }, {}), 'one');
    const record: SagaRecord = { ...saga!.record, timerAt: saga!.now + within, entries: 1 };
    await store.save(tx, { record, stepName: 'one', history: [{ step: 'one', outcome: 'sent' }] });
  });
  return id;
}

describe('the working clock', () => {
  it('goes on by the time since the last tick, and by two seconds at most', async () => {
    await waiting(60_000);
    let before = await clock();
    await lastTick('1500 ms');
    await store.tick(1_000);
    expect(await clock()).toBeGreaterThanOrEqual(before + 1_500);
    expect(await clock()).toBeLessThanOrEqual(before + 2_000);

    before = await clock();
    await lastTick('3 hours');
    await store.tick(1_000);
    expect(await clock()).toBe(before + 2_000);
  });

  it('is moved on once, however many replicas tick', async () => {
    await waiting(60_000);
    await lastTick('1 hour');
    const before = await clock();
    await Promise.all(Array.from({ length: 5 }, () => store.tick(60_000)));
    expect(await clock()).toBe(before + 2_000);
  });

  it('rests while no saga waits', async () => {
    await lastTick('1 hour');
    const before = await clock();
    await store.tick(1_000);
    expect(await clock()).toBe(before);
  });

  it('goes on when a new primary is behind in time', async () => {
    await waiting(60_000);
    await lastTick('-1 hour');
    const before = await clock();
    await store.tick(1_000);
    expect(await clock()).toBe(before);
    await lastTick('1 second');
    await store.tick(1_000);
    expect(await clock()).toBeGreaterThan(before);
  });

  it('does not let a timer fire early after a rest', async () => {
    await lastTick('1 hour');
    await waiting(1_000);
    await store.tick(1_000);
    expect(await store.due(['trip.v1'], 10)).toEqual([]);
    await lastTick('1100 ms');
    await store.tick(1_000);
    expect(await store.due(['trip.v1'], 10)).toHaveLength(1);
  });
});

describe('due sagas', () => {
  const dueIds = async (definitions: string[], limit: number) => (await store.due(definitions, limit)).map(({ id }) => id);

  it('are found by definition, the longest due first', async () => {
    const later = await waiting(0);
    const sooner = await waiting(-500);
    const unknown = await waiting(-900, 'unknown.v1');
    await lastTick('2 seconds');
    await store.tick(1_000);
    expect(await dueIds(['trip.v1'], 10)).toEqual([sooner, later]);
    expect(await dueIds(['trip.v1'], 1)).toEqual([sooner]);
    expect(await dueIds(['unknown.v1'], 10)).toEqual([unknown]);
  });

  it('are found from one on, also among those that are due at one time', async () => {
    const ids = [];
    for (const within of [-500, 0, 0, 0]) ids.push(await waiting(within));
    await database.primary.query('UPDATE saga SET timer_at = (SELECT max(timer_at) FROM saga) WHERE id <> $1', [ids[0]]);
    await lastTick('2 seconds');
    await store.tick(1_000);
    const found = [];
    for (let after: DueSaga | undefined; ;) {
      const [next] = await store.due(['trip.v1'], 1, after);
      if (!next) break;
      found.push((after = next).id);
    }
    expect(found).toEqual([ids[0], ...ids.slice(1).sort()]);
  });

  it('are left to whoever works on them already', async () => {
    const id = await waiting(-5_000);
    await database.transaction(async (tx) => {
      expect((await store.lockDue(tx, id))?.record.id).toBe(id);
      await database.transaction(async (other) => expect(await store.lockDue(other, id)).toBeNull());
    });
  });

  it('can be put off', async () => {
    const id = await waiting(-5_000);
    await store.postpone(id, 60_000);
    expect(await store.due(['trip.v1'], 10)).toEqual([]);
  });
});

it('writes a saga down and reads the same back', async () => {
  const id = randomUUID();
  const written: SagaRecord = {
    ...newRecord(
      'trip.v1',
      id,
      { items: [{ sku: 'a', quantity: 2 }] },
      { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    ),
    ...{ status: 'COMPENSATING', step: 2, direction: 'backward', awaiting: randomUUID(), round: 3, attempts: 4, timerAt: 123_456_789_012 },
    ...{ failure: { step: 'pay', code: 'CARD_REFUSED', message: 'no' }, entries: 2 },
  };
  await database.transaction(async (tx) => {
    await store.insert(tx, newRecord('trip.v1', id, {}, written.trace), 'one');
    await store.save(tx, {
      record: written,
      stepName: 'two',
      history: [
        { step: 'pay', outcome: 'failed', code: 'CARD_REFUSED' },
        { step: 'two', outcome: 'undo-sent' },
      ],
      traceId: 'abc',
    });
  });
  const read = await database.transaction((tx) => store.lock(tx, id));
  expect(read?.record).toEqual(written);
  expect((await store.timelines(database.primary, [id])).get(id)).toEqual([
    { step: 'pay', outcome: 'failed', code: 'CARD_REFUSED', at: expect.any(Date), traceId: 'abc' },
    { step: 'two', outcome: 'undo-sent', at: expect.any(Date), traceId: 'abc' },
  ]);
  expect(await store.census()).toEqual([{ definition: 'trip.v1', status: 'COMPENSATING', count: 1 }]);
  expect(await database.transaction((tx) => store.insert(tx, newRecord('trip.v1', id, {}, {}), 'one'))).toBeNull();
});
