import { Database } from '@ballast/database';
import { randomUUID } from 'node:crypto';
import { systemClock } from '../src/clock.js';
import { Retention } from '../src/retention.js';
import { sqlInboxStore, type DeadLetter } from '../src/inbox.store.js';
import { Cleanup, eventually, freshDatabase, migrations } from './harness.js';

const cleanup = new Cleanup();
let database: Database;
beforeAll(async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  database = await Database.open({ config, migrations });
  cleanup.add(() => database.close());
  await database.ready;
});
afterAll(() => cleanup.run());

const topic = 'shop.events';
const message = (id: string) => ({ id, type: 'shop.happened.v1' });
const letterOf = (messageId: string, key: string): DeadLetter => ({
  topic,
  partition: 0,
  offset: '1',
  key,
  messageId,
  headers: {},
  payload: '{}',
  reason: 'HANDLER_FAILED',
  error: 'x',
  attempts: 3,
});

it('a consumer that takes over while its predecessor parks a key sees the key parked', async () => {
  const [first, later, key] = [randomUUID(), randomUUID(), randomUUID()];
  let commit!: () => void;
  const mayCommit = new Promise<void>((resolve) => (commit = resolve));
  let buried!: () => void;
  const isBuried = new Promise<void>((resolve) => (buried = resolve));

  const predecessor = database.transaction(async (tx) => {
    await sqlInboxStore.claim(tx, topic, [message(first)], [key]);
    const id = await sqlInboxStore.bury(tx, letterOf(first, key));
    await sqlInboxStore.parkKey(tx, topic, key, id!);
    buried();
    await mayCommit;
  });
  await isBuried;
  const successor = database.transaction((tx) => sqlInboxStore.claim(tx, topic, [message(first), message(later)], [key]));
  await eventually(async () => {
    const waiting = await database.primary.query(`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%inbox%'`);
    expect(waiting).toHaveLength(1);
  });
  commit();
  await predecessor;
  const { fresh, parked } = await successor;
  expect([...fresh]).toEqual([later]);
  expect([...parked]).toEqual([key]);
});

it('forgets what is past its retention, in batches, and nothing else', async () => {
  const retention = new Retention(database, systemClock);
  const age = (days: number) => `now() - ${days} * interval '1 day'`;
  await database.transaction(async (tx) => {
    for (const [id, days] of [
      ['old', 7.1],
      ['young', 6.9],
    ] as const)
      await tx.query(
        `INSERT INTO inbox (message_id, type, topic, received_at) SELECT '${id}-' || n, 't', 't', ${age(days)} FROM generate_series(1, 2500) n`,
      );
    for (const [state, days] of [
      ['DONE', 8],
      ['DONE', 6],
      ['PENDING', 8],
    ] as const)
      await tx.query(
        `INSERT INTO intent (id, kind, payload, trace, state, run_at, done_at) VALUES ($1, 'k', '{}', '{}', $2, ${age(days)}, ${state === 'DONE' ? age(days) : 'NULL'})`,
        [randomUUID(), state],
      );
  });
  expect(await retention.prune()).toEqual({ inbox: 2500, intent: 1 });
  expect(await retention.prune()).toEqual({ inbox: 0, intent: 0 });
  const [left] = await database.primary.query<[{ young: number }]>(
    `SELECT count(*)::int AS young FROM inbox WHERE message_id LIKE 'young-%'`,
  );
  expect(left.young).toBe(2500);
  expect(await database.primary.query(`SELECT state FROM intent ORDER BY state`)).toEqual([{ state: 'DONE' }, { state: 'PENDING' }]);
});
