import { Database, pruneStatement, Retention } from '@ballast/database';
import { testBrokers, uniqueName } from '@ballast/testing';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { randomUUID } from 'node:crypto';
import { createTopics } from '../src/kafka.topics.js';
import { KafkaJsClient } from '../src/kafkajs.client.js';
import { DEFAULT_RETENTION, resolveRetention, rulesOf } from '../src/retention.js';
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

const ago = (ms: number) => `now() - ${ms} * interval '1 ms'`;
const HOUR = 3_600_000;
const received = (prefix: string, count: number, age: number) =>
  database.primary.query(
    `INSERT INTO inbox (message_id, type, topic, received_at) SELECT '${prefix}-' || n, 't', 't', ${ago(age)} FROM generate_series(1, ${count}) n`,
  );

it('forgets what is past its retention, in batches, and nothing else', async () => {
  const retention = new Retention(database, new AbortController().signal);
  retention.add(...rulesOf(DEFAULT_RETENTION));
  const { inbox, intent } = DEFAULT_RETENTION;
  await received('old', 2_500, inbox + HOUR);
  await received('young', 2_500, inbox - HOUR);
  for (const [state, age] of [
    ['DONE', intent + HOUR],
    ['DONE', intent - HOUR],
    ['PENDING', intent + HOUR],
  ] as const)
    await database.primary.query(
      `INSERT INTO intent (id, kind, payload, trace, state, run_at, done_at)
       VALUES ($1, 'k', '{}', '{}', $2, ${ago(age)}, ${state === 'DONE' ? ago(age) : 'NULL'})`,
      [randomUUID(), state],
    );
  for (const [n, status] of ['OPEN', 'DISCARDED', 'DISCARDED'].entries())
    await database.primary.query(
      `INSERT INTO dead_letter (topic, partition, "offset", key, headers, payload, reason, error, attempts, settled_at, status)
       VALUES ('t', 0, $1, 'k', '{}', '{}', 'r', 'e', 1, ${ago(31 * 24 * HOUR)}, $2)`,
      [n, status],
    );
  const parked = `INSERT INTO parked_key (topic, key, dead_letter_id) SELECT topic, key, id FROM dead_letter WHERE "offset" = 2 AND topic = 't'`;
  await database.primary.query(parked);

  expect(await retention.prune()).toEqual({ inbox: 2_500, intent: 1, dead_letter: 1 });
  expect(await retention.prune()).toEqual({ inbox: 0, intent: 0, dead_letter: 0 });
  const [left] = await database.primary.query<[{ young: number }]>(
    `SELECT count(*)::int AS young FROM inbox WHERE message_id LIKE 'young-%'`,
  );
  expect(left.young).toBe(2_500);
  expect(await database.primary.query(`SELECT state FROM intent ORDER BY state`)).toEqual([{ state: 'DONE' }, { state: 'PENDING' }]);
  expect(await database.primary.query(`SELECT "offset"::int FROM dead_letter WHERE topic = 't' ORDER BY 1`)).toEqual([
    { offset: 0 },
    { offset: 2 },
  ]);
});

it('knows a message again for as long as a broker may have it', async () => {
  const admin = new Kafka({ brokers: testBrokers(), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  cleanup.add(() => admin.disconnect());
  const name = `${uniqueName('kept').replaceAll('_', '-')}.events`;
  const client = new KafkaJsClient({ brokers: testBrokers(), clientId: 'test' });
  cleanup.add(() => client.close());
  // A broker may not know at once what it has just made; a transport asks again, too.
  await eventually(() => createTopics(client, [name], { replicationFactor: 1, retention: DEFAULT_RETENTION.topic }));
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name, configNames: ['retention.ms', 'segment.ms'] }],
  });
  // The last record of a segment keeps the others: a broker deletes whole segments.
  const kept = resources[0]!.configEntries.reduce((sum, { configValue }) => sum + Number(configValue), 0);
  expect(kept).toBeLessThan(DEFAULT_RETENTION.inbox);

  await received('redelivered', 1, kept + HOUR);
  const retention = new Retention(database, new AbortController().signal);
  retention.add(...rulesOf(DEFAULT_RETENTION));
  await retention.prune();
  const { fresh } = await database.transaction((tx) => sqlInboxStore.claim(tx, topic, [message('redelivered-1')], []));
  expect([...fresh]).toEqual([]);
});

it('refuses an inbox that would forget what a topic still holds', () => {
  expect(() => resolveRetention({ topic: 4 * 24 * HOUR })).toThrow(RangeError);
  expect(resolveRetention({ topic: HOUR, inbox: 2 * HOUR })).toMatchObject({ topic: HOUR, inbox: 2 * HOUR });
});

it('finds what is old by an index', async () => {
  await database.transaction(async (tx) => {
    await tx.query('SET LOCAL enable_seqscan = off');
    for (const rule of rulesOf(DEFAULT_RETENTION)) {
      const plan = await tx.query<{ 'QUERY PLAN': string }[]>(`EXPLAIN ${pruneStatement(rule)}`, [1_000, rule.keep]);
      expect(plan.map((line) => line['QUERY PLAN']).join('\n')).not.toMatch(new RegExp(`Seq Scan on ${rule.table}\\b`));
    }
  });
});
