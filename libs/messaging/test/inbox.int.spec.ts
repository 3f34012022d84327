import { Database } from '@ballast/database';
import { randomUUID } from 'node:crypto';
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
