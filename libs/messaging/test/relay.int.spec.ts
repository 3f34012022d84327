import { Database } from '@ballast/database';
import { event } from '@ballast/message';

import { z } from 'zod';
import { Outbox, PartlySentError, RecordRefusedError, systemClock } from '../src/index.js';
import { sqlOutboxStore } from '../src/outbox.store.js';
import { PAGE, Relay } from '../src/relay.js';
import { SqlRelayStore } from '../src/relay.store.js';
import { Wakeup } from '../src/wakeup.js';
import { Cleanup, freshDatabase, migrations, newTransport, serviceName, eventually } from './harness.js';
import { gate, ScriptedTransport } from './scripted-transport.js';

const happened = event('shop.happened.v1', { key: (p) => p.id, payload: z.object({ id: z.string(), text: z.string().optional() }) });
const cleanup = new Cleanup();
let database: Database;
let store: SqlRelayStore;
const wakeup = new Wakeup();
const outbox = new Outbox({ service: 'shop', store: sqlOutboxStore, clock: systemClock, newId: () => 'id', relay: wakeup });

beforeAll(async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  database = await Database.open({ config, migrations });
  cleanup.add(() => database.close());
  await database.ready;
  store = new SqlRelayStore(database);
});
afterAll(() => cleanup.run());
beforeEach(() =>
  database.primary
    .query('TRUNCATE outbox, outbox_lane')
    .catch(() => database.primary.query('WITH x AS (DELETE FROM outbox) DELETE FROM outbox_lane')),
);

const add = (...keys: string[]) =>
  database.transaction(async (tx) => {
    for (const id of keys) await outbox.add(tx, happened({ id }));
  });
const left = async () => (await database.primary.query<{ key: string }[]>('SELECT key FROM outbox ORDER BY id')).map((row) => row.key);
/** Ends a relay that runs, also when its test fails. */
const stops: AbortController[] = [];
const stopping = () => stops[stops.push(new AbortController()) - 1]!;
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));
const relayOf = (owner: string, transport: ScriptedTransport) =>
  new Relay({ store, transport, clock: systemClock, owner, wakeup: new Wakeup() });
/** As if the owner had been silent for as long as its lease. */
const expire = () => database.primary.query(`UPDATE outbox_lane SET lease_until = clock_timestamp() - interval '1 s'`);

it('sends what is pending in order of id and deletes it', async () => {
  const transport = new ScriptedTransport();
  const relay = relayOf('one', transport);
  await add('a', 'b', 'a', 'c');
  const stop = stopping();
  const run = relay.run(stop.signal);
  await eventually(async () => expect(await left()).toEqual([]));
  expect(transport.keys).toEqual(['a', 'b', 'a', 'c']);
  stop.abort();
  await run;
});

it('deletes what it has sent in few commits, and sends none of it again meanwhile', async () => {
  const transport = new ScriptedTransport();
  const relay = relayOf('one', transport);
  const remove = jest.spyOn(store, 'remove');
  try {
    await relay.own();
    for (const key of ['a', 'b', 'a']) {
      await add(key);
      expect(await relay.pass()).toBe(1);
    }
    expect(await left()).toEqual(['a', 'b', 'a']);
    expect(await relay.pass()).toBe(0);
    await relay.close(0);
    expect(await left()).toEqual([]);
    expect(remove).toHaveBeenCalledTimes(1);
    expect(transport.keys).toEqual(['a', 'b', 'a']);
  } finally {
    remove.mockRestore();
  }
});

it('that crashed before it deleted what it sent: the next owner sends all of it again, in the same order', async () => {
  const [crashed, next] = [new ScriptedTransport(), new ScriptedTransport()];
  const [one, two] = [relayOf('one', crashed), relayOf('two', next)];
  await one.own();
  for (const key of ['a', 'b', 'a']) {
    await add(key);
    await one.pass();
  }
  await expire();
  await two.own();
  await add('b');
  await two.pass();
  expect(next.keys).toEqual([...crashed.keys, 'b']);
});

it('does not lose a row whose smaller id commits later', async () => {
  const transport = new ScriptedTransport();
  const relay = relayOf('one', transport);
  await relay.own();
  const [{ id }] = await database.primary.query<[{ id: string }]>(`SELECT nextval('outbox_id_seq') AS id`);
  await add('later');
  await relay.pass();
  await database.primary.query(`INSERT INTO outbox (id, topic, key, headers, payload) VALUES ($1, 't', 'earlier', '{}', '{}')`, [id]);
  await relay.pass();
  expect(transport.keys).toEqual(['later', 'earlier']);
});

it('is not held up by a transaction that was begun long before, here or in another database of the server', async () => {
  const other = await freshDatabase();
  cleanup.add(other.drop);
  const elsewhere = await Database.open({ config: other.config, migrations });
  cleanup.add(() => elsewhere.close());
  await elsewhere.ready;
  const held = gate();
  const long = [database, elsewhere].map((each) =>
    each.transaction(async (tx) => {
      // Takes an id, so that the horizon of all later snapshots stays behind it.
      await tx.query('SELECT pg_current_xact_id()');
      await held.wait;
    }),
  );
  const transport = new ScriptedTransport();
  const relay = relayOf('one', transport);
  await relay.own();
  await add('a', 'b');
  await relay.pass();
  expect(transport.keys).toEqual(['a', 'b']);
  held.open();
  await Promise.all(long);
});

it('has one owner at a time, which takes its own lease back at once and another after it ran out', async () => {
  const [one, two] = [relayOf('one', new ScriptedTransport()), relayOf('two', new ScriptedTransport())];
  expect(await one.own()).toBe(true);
  expect(await two.own()).toBe(false);
  expect(await relayOf('one', new ScriptedTransport()).own()).toBe(true);
  expect(await two.own()).toBe(false);
  await expire();
  expect(await two.own()).toBe(true);
});

it('gives the lane away when it stops', async () => {
  const [one, two] = [relayOf('one', new ScriptedTransport()), relayOf('two', new ScriptedTransport())];
  await one.own();
  await add('a');
  await one.close(1_000);
  expect(await left()).toEqual([]);
  expect(await two.own()).toBe(true);
});

it('keeps its lease without a commit at each poll', async () => {
  const relay = relayOf('one', new ScriptedTransport());
  await relay.own();
  const xid = () => database.primary.query<[{ x: string }]>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS x').then(([r]) => r.x);
  const before = await database.primary.query(`SELECT xmin::text FROM outbox_lane`);
  for (let i = 0; i < 20; i++) {
    await relay.own();
    await relay.pass();
  }
  expect(await database.primary.query(`SELECT xmin::text FROM outbox_lane`)).toEqual(before);
  expect(await xid()).toBeTruthy();
});

it('turns a zombie away: paused past its lease, it can neither delete nor park, and stops sending', async () => {
  const [zombieTransport, transport] = [new ScriptedTransport(), new ScriptedTransport()];
  const [zombie, owner] = [relayOf('zombie', zombieTransport), relayOf('owner', transport)];
  const [asleep, awake] = [gate(), gate()];
  await add('a');
  await zombie.own();
  zombieTransport.onSend = async () => {
    asleep.open();
    await awake.wait;
  };
  const pass = zombie.pass();
  await asleep.wait;
  await expire();
  expect(await owner.own()).toBe(true);
  // The new owner has not sent it yet: what the zombie deleted now would be its word alone.
  awake.open();
  expect(await pass).toBe(1);
  await zombie.close(0);
  expect(await left()).toEqual(['a']);
  expect(await zombie.own()).toBe(false);
  await owner.pass();
  expect(transport.keys).toEqual(['a']);
  expect(await store.park(0, '1', '1', 'zombie')).toBe(false);
});

it('parks a record the broker refuses; other keys go on, its key waits', async () => {
  const transport = new ScriptedTransport();
  const relay = relayOf('one', transport);
  await add('a', 'poison', 'b', 'poison', 'c');
  const poison = (await database.primary.query<[{ id: string }]>(`SELECT min(id) AS id FROM outbox WHERE key = 'poison'`))[0].id;
  await database.primary.query(`UPDATE outbox SET headers = '{"bad": "1"}' WHERE id = $1`, [poison]);
  transport.onSend = (records) => {
    if (records.some((r) => r.headers['bad'])) throw new RecordRefusedError('MESSAGE_TOO_LARGE');
  };
  await relay.own();
  await relay.pass();
  await add('poison', 'd');
  await relay.pass();
  expect(transport.keys).toEqual(['a', 'b', 'c', 'd']);
  expect(await relay.pass()).toBe(0);
  await relay.close(0);
  expect(await left()).toEqual(['poison', 'poison', 'poison']);
  const parked = await database.primary.query(`SELECT id, error FROM outbox WHERE parked_at IS NOT NULL`);
  expect(parked).toEqual([{ id: poison, error: 'MESSAGE_TOO_LARGE' }]);
});

it('deletes what was acknowledged of a batch, and sends the rest again in its order', async () => {
  const transport = new ScriptedTransport();
  await add('a', 'b', 'a', 'b');
  transport.onSend = () => {
    throw new PartlySentError('b waits', [0, 2]);
  };
  const relay = relayOf('one', transport);
  await relay.own();
  expect(await relay.pass()).toBe(2);
  expect(await left()).toEqual(['b', 'b']);
  transport.onSend = () => undefined;
  await add('c');
  expect(await relay.pass()).toBe(3);
  expect(transport.keys).toEqual(['b', 'b', 'c']);
  await relay.close(0);
  expect(await left()).toEqual([]);
});

/** Many at once: `k0`, `k1`, … each with a number of keys of its own. */
const fill = (count: number, keys: number) =>
  database.primary.query(
    `INSERT INTO outbox (id, topic, key, headers, payload)
     SELECT nextval('outbox_id_seq'), 'shop.events', 'k' || n % $2, '{}', n FROM generate_series(0, $1 - 1) AS n`,
    [count, keys],
  );

it('reads the next page while it sends one, and sends all in order of id, each once', async () => {
  const transport = new ScriptedTransport();
  await fill(2 * PAGE + 10, 7);
  let reads = 0;
  const watched = Object.create(store, {
    pending: {
      value: (...args: Parameters<SqlRelayStore['pending']>) => {
        reads++;
        return store.pending(...args);
      },
    },
  }) as SqlRelayStore;
  const relay = new Relay({ store: watched, transport, clock: systemClock, owner: 'one', wakeup: new Wakeup() });
  await relay.own();
  expect(await relay.pass()).toBe(PAGE);
  expect(reads).toBe(2);
  while ((await relay.pass()) > 0);
  expect(transport.sent.map(({ value }) => Number(value))).toEqual(Array.from({ length: 2 * PAGE + 10 }, (_, n) => n));
  await relay.close(0);
  expect(await left()).toEqual([]);
});

it('does not let a page that was read ahead overtake what was parked meanwhile', async () => {
  const transport = new ScriptedTransport();
  await fill(PAGE + 2, PAGE - 1);
  // The last record of the first page is of a key that the second has, too: k0 of PAGE - 1 keys comes again at PAGE - 1.
  transport.onSend = (records) => {
    if (records.some(({ value }) => value === String(PAGE - 1))) throw new RecordRefusedError('MESSAGE_TOO_LARGE');
  };
  await database.primary.query(`UPDATE outbox SET key = 'k0' WHERE payload = $1`, [String(PAGE + 1)]);
  const relay = relayOf('one', transport);
  await relay.own();
  while ((await relay.pass()) > 0);
  expect(transport.sent.map(({ value }) => Number(value))).toEqual([...Array.from({ length: PAGE - 1 }, (_, n) => n), PAGE]);
  await relay.close(0);
  expect(await left()).toEqual(['k0', 'k0']);
});

it('does not send a page it read before another owner came and went', async () => {
  const transport = new ScriptedTransport();
  let asleep = 0;
  const clock = { ...systemClock, now: () => new Date(Date.now() + asleep) };
  await fill(PAGE + 5, 3);
  const relay = new Relay({ store, transport, clock, owner: 'one', wakeup: new Wakeup() });
  await relay.own();
  await relay.pass();
  await expire();
  asleep = 60_000;
  const other = relayOf('other', new ScriptedTransport());
  expect(await other.own()).toBe(true);
  while ((await other.pass()) > 0);
  await other.close(0);
  expect(await relay.own()).toBe(true);
  expect(await relay.pass()).toBe(0);
  expect(transport.sent).toHaveLength(PAGE);
});

it('waits for a broker that is away and parks nothing', async () => {
  const transport = new ScriptedTransport();
  let away = true;
  let tries = 0;
  transport.onSend = () => {
    tries++;
    if (away) throw new Error('ECONNREFUSED');
  };
  const stop = stopping();
  const running = relayOf('one', transport).run(stop.signal);
  await add('a');
  await eventually(() => expect(tries).toBeGreaterThan(2));
  away = false;
  await eventually(() => expect(transport.keys).toEqual(['a']));
  await eventually(async () => expect(await left()).toEqual([]));
  stop.abort();
  await running;
});

it('is woken by a commit of its own process', async () => {
  const transport = new ScriptedTransport();
  const relay = new Relay({
    store,
    transport,
    clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms * 1_000, signal) },
    owner: 'one',
    wakeup,
  });
  const stop = stopping();
  const running = relay.run(stop.signal);
  for (const key of ['a', 'b', 'c']) {
    await add(key);
    await eventually(() => expect(transport.keys).toContain(key), { timeout: 30_000 });
  }
  stop.abort();
  await running;
});

it('sends many large records in batches a broker takes', async () => {
  const transport = new ScriptedTransport();
  const sizes: number[] = [];
  transport.onSend = (records) => void sizes.push(records.reduce((sum, r) => sum + r.value.length, 0));
  await database.transaction(async (tx) => {
    for (let i = 0; i < 12; i++) await outbox.add(tx, happened({ id: `k${i}`, text: 'x'.repeat(200_000) }));
  });
  const relay = relayOf('one', transport);
  await relay.own();
  while ((await relay.pass()) > 0);
  expect(transport.sent).toHaveLength(12);
  expect(Math.max(...sizes)).toBeLessThan(1_000_000);
});

describe('on Kafka', () => {
  it('parks a record that is too large and one for a topic that does not exist', async () => {
    const transport = newTransport();
    cleanup.add(() => transport.close());
    const topic = `${serviceName()}.events`;
    await transport.connect([topic]);
    const insert = (to: string, key: string, size: number) =>
      database.primary.query(`INSERT INTO outbox (id, topic, key, headers, payload) VALUES (nextval('outbox_id_seq'), $1, $2, '{}', $3)`, [
        to,
        key,
        'x'.repeat(size),
      ]);
    await insert(topic, 'fine', 10);
    await insert(topic, 'huge', 2_000_000);
    await insert('nowhere.events', 'lost', 10);
    await insert(topic, 'also fine', 10);
    const relay = new Relay({ store, transport, clock: systemClock, owner: 'one', wakeup: new Wakeup() });
    await relay.own();
    while ((await relay.pass()) > 0);
    const parked = await database.primary.query(`SELECT key, error FROM outbox ORDER BY id`);
    expect(parked).toEqual([
      { key: 'huge', error: 'MESSAGE_TOO_LARGE' },
      { key: 'lost', error: 'UNKNOWN_TOPIC_OR_PARTITION' },
    ]);
  });
});
