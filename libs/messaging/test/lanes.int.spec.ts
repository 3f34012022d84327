import { Database } from '@ballast/database';
import { event, type WireRecord } from '@ballast/message';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Outbox, setLanes, systemClock } from '../src/index.js';
import { SqlLaneStore } from '../src/lanes.js';
import { OutboxOperations } from '../src/outbox.operations.js';
import { sqlOutboxStore } from '../src/outbox.store.js';
import { Relay } from '../src/relay.js';
import { SqlRelayStore } from '../src/relay.store.js';
import { Relays } from '../src/relays.js';
import { ReplicaWakeup } from '../src/replica-wakeup.js';
import { Wakeup } from '../src/wakeup.js';
import { Cleanup, eventually as within15s, freshDatabase, migrations } from './harness.js';
import { gate, ScriptedTransport } from './scripted-transport.js';
import { StoreOfTheVersionBefore } from './version-before.js';

/** Replicas look at each other once a second, and a busy machine takes its time for each look. */
const eventually: typeof within15s = (assertion, options) => within15s(assertion, { timeout: 50_000, ...options });
jest.setTimeout(240_000);

const counted = event('shop.counted.v1', { key: (p) => p.id, payload: z.object({ id: z.string(), n: z.number() }) });
const KEYS = Array.from({ length: 24 }, (_, n) => `k${n}`);
const cleanup = new Cleanup();
let database: Database;
const outbox = new Outbox({ service: 'shop', store: sqlOutboxStore, clock: systemClock, newId: randomUUID, relay: new Wakeup() });

beforeAll(async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  database = await Database.open({ config, migrations });
  cleanup.add(() => database.close());
  await database.ready;
});
afterAll(() => cleanup.run());

/** Replicas of a service; what all of them have sent stands in `log`, in order. */
let log: WireRecord[];
let replicas: Replica[];
let endLoad: () => Promise<unknown> = async () => undefined;
beforeEach(() => {
  log = [];
  replicas = [];
});
afterEach(async () => {
  await endLoad();
  await Promise.all(replicas.map((replica) => replica.stop()));
  await sql('DELETE FROM outbox');
  await sql('DELETE FROM outbox_lane');
  await sql('DELETE FROM outbox_relay');
  await setLanes(database, 1);
});

class Replica {
  readonly transport = new ScriptedTransport();
  /** How often it has looked who else is there. */
  looks = 0;
  private joined = Promise.resolve();
  private readonly ending = new AbortController();
  private readonly relays: Relays;
  private readonly wakeup: ReplicaWakeup;
  private readonly running: Promise<void>;

  constructor(readonly name: string) {
    this.transport.onSent = (records) => void log.push(...records);
    const wakeup = new Wakeup();
    const lanes = new SqlLaneStore(database);
    const look = lanes.look.bind(lanes);
    lanes.look = () => look().finally(() => this.looks++);
    const join = lanes.join.bind(lanes);
    lanes.join = (...o) => (this.joined = join(...o));
    this.wakeup = new ReplicaWakeup({ database, clock: systemClock, owner: name, committed: new Wakeup(), relays: wakeup });
    this.relays = new Relays({
      ...{ lanes, transport: this.transport, clock: systemClock, owner: name, wakeup, replicas: this.wakeup },
      storeOf: (view) => new SqlRelayStore(database, view),
    });
    this.running = this.relays.run(this.ending.signal);
    replicas.push(this);
  }
  /** As SIGTERM: says goodbye. */
  async stop(): Promise<void> {
    this.ending.abort();
    this.transport.onSend = () => undefined;
    await this.running;
    await this.relays.close(0);
  }
  /** Says and does nothing more, and what it is sending stays on its way. */
  private vanish(): void {
    this.ending.abort();
    this.transport.onSend = () => new Promise(() => undefined);
    replicas = replicas.filter((each) => each !== this);
    cleanup.add(() => this.wakeup.stop());
  }
  /** As SIGSTOP, or a network that is cut: the session stays. */
  async standStill(): Promise<void> {
    this.vanish();
    await holdLeases(this.name);
  }
  /** As `kill -9`: the machine closes its connections. Nothing of its lease has run out. */
  async kill(): Promise<void> {
    this.vanish();
    // What it had asked for is done with: one that is dead says no more that it is there, and a look that was on its way lets it listen no more.
    await this.joined.catch(() => undefined);
    const closed = this.wakeup.stop();
    this.wakeup.arrange = () => undefined;
    await closed;
    await holdLeases(this.name);
  }
}

const sql = <T = unknown>(text: string, values: unknown[] = []) => database.primary.query<T>(text, values);
/** As if the replica had been silent for as long as its leases last. */
async function silence(owner: string): Promise<void> {
  await sql(`UPDATE outbox_relay SET alive_until = '-infinity' WHERE owner = $1`, [owner]);
  await sql(`UPDATE outbox_lane SET lease_until = '-infinity' WHERE owner = $1`, [owner]);
}
/** Of whoever waits for its lease, the time is up in an hour. */
async function holdLeases(owner: string): Promise<void> {
  await sql(`UPDATE outbox_relay SET alive_until = clock_timestamp() + interval '1 h' WHERE owner = $1`, [owner]);
  await sql(`UPDATE outbox_lane SET lease_until = clock_timestamp() + interval '1 h' WHERE owner = $1`, [owner]);
}
/** So that its session can be missed. */
const known = (...names: string[]) =>
  eventually(async () =>
    expect(await sql(`SELECT owner FROM outbox_relay WHERE present ORDER BY 1`)).toEqual(names.map((owner) => ({ owner }))),
  );
const owners = async () => {
  const rows = await sql<{ lane: number; owner: string }[]>(
    `SELECT lane - 1 AS lane, owner FROM outbox_lane
     WHERE lane > 0 AND lease_until > clock_timestamp() AND generation = (SELECT generation FROM outbox_lanes) ORDER BY lane`,
  );
  return rows.map(({ lane, owner }) => `${lane}:${owner}`);
};
const left = async () => (await sql<[{ n: number }]>('SELECT count(*)::int AS n FROM outbox'))[0].n;

/** Counts up each key, until it is ended; gives how far. */
function load() {
  let [n, going] = [0, true];
  const work = (async () => {
    for (; going; n++) await Promise.all(KEYS.map((id) => database.transaction((tx) => outbox.add(tx, counted({ id, n })))));
  })();
  const end = async () => {
    going = false;
    await work;
    return n;
  };
  endLoad = end;
  return { end, rounds: () => n };
}

/** As an inbox sees it: of a message that comes again, the first. */
function inOrder(rounds: number): void {
  const seen = new Set<string>();
  const byKey = new Map<string, number[]>(KEYS.map((key) => [key, []]));
  for (const { key, value, headers } of log) {
    if (seen.has(headers['ce_id']!)) continue;
    seen.add(headers['ce_id']!);
    byKey.get(key)!.push((JSON.parse(value) as { n: number }).n);
  }
  for (const numbers of byKey.values()) expect(numbers).toEqual(Array.from({ length: rounds }, (_, n) => n));
}
const after = async (rounds: () => number, more = 5) => {
  const target = rounds() + more;
  await eventually(() => expect(rounds()).toBeGreaterThan(target));
};

it('keeps the order of each key while lanes go 1 → 3 → 2 under load, with one replica killed and one paused', async () => {
  const [one, two] = [new Replica('one'), new Replica('two')];
  const { end, rounds } = load();
  await eventually(() => expect(log.length).toBeGreaterThan(100));

  await setLanes(database, 3);
  await eventually(async () => expect(await owners()).toEqual(['0:one', '1:two', '2:one']));
  await after(rounds);

  await known('one', 'two');
  await one.kill();
  await eventually(async () => expect(await owners()).toEqual(['0:two', '1:two', '2:two']));
  const three = new Replica('three');
  await eventually(async () => expect(await owners()).toEqual(['0:three', '1:two', '2:three']));

  // Asleep in the middle of a send, past its lease, while the number changes and others take its lanes.
  const [asleep, awake] = [gate(), gate()];
  two.transport.onSend = async () => {
    asleep.open();
    await awake.wait;
  };
  await asleep.wait;
  await setLanes(database, 2);
  await silence('two');
  await eventually(async () => expect((await owners()).filter((each) => each.endsWith('three')).length).toBeGreaterThan(0));
  await after(rounds);
  two.transport.onSend = () => undefined;
  awake.open();
  await eventually(async () => expect(await owners()).toEqual(['0:three', '1:two']));
  await after(rounds);

  const counted = await end();
  await eventually(async () => expect(await left()).toBe(0));
  inOrder(counted);
  expect(three.transport.sent.length).toBeGreaterThan(0);
});

it('begins no lane of a new number while a lease of the old runs, and its owner cannot extend it', async () => {
  const old = new SqlRelayStore(database, await setLanes(database, 1));
  const epoch = (await old.acquire(0, 'old', 60_000))!;
  const fresh = new SqlRelayStore(database, await setLanes(database, 3));
  for (const lane of [0, 1, 2]) expect(await fresh.acquire(lane, 'new', 60_000)).toBeUndefined();
  expect(await old.renew(0, epoch, 60_000)).toBe(false);
  await old.release(0, epoch);
  for (const lane of [0, 1, 2]) expect(await fresh.acquire(lane, 'new', 60_000)).toBeDefined();
  expect(await old.acquire(0, 'old', 60_000)).toBeUndefined();
});

it('puts all rows of a key into one lane, and every row into one', async () => {
  await database.transaction(async (tx) => {
    for (let n = 0; n < 5; n++) for (const id of KEYS) await outbox.add(tx, counted({ id, n }));
  });
  const store = new SqlRelayStore(database, await setLanes(database, 4));
  const lanes = await Promise.all([0, 1, 2, 3].map((lane) => store.pending(lane, 1_000)));
  expect(lanes.flat()).toHaveLength(5 * KEYS.length);
  const keys = lanes.map((rows) => new Set(rows.map(({ record }) => record.key)));
  expect(keys.reduce((sum, each) => sum + each.size, 0)).toBe(KEYS.length);
  for (const each of keys) expect(each.size).toBeGreaterThan(0);
  const sizes = lanes.map((rows) => rows.length);
  expect(await new SqlLaneStore(database).pending()).toEqual(sizes);
  // What operators are shown is the same.
  await store.acquire(2, 'owner', 60_000);
  const shown = await new OutboxOperations(new Wakeup()).lanes(database.primary);
  expect(shown.map(({ lane, pending, owner }) => [lane, pending, owner])).toEqual(
    sizes.map((size, n) => [n, size, n === 2 ? 'owner' : null]),
  );
});

it('shares the lanes fairly as replicas come and go', async () => {
  await setLanes(database, 4);
  const one = new Replica('one');
  await eventually(async () => expect(await owners()).toEqual(['0:one', '1:one', '2:one', '3:one']));
  new Replica('two');
  await eventually(async () => expect(await owners()).toEqual(['0:one', '1:two', '2:one', '3:two']));
  await one.stop();
  await eventually(async () => expect(await owners()).toEqual(['0:two', '1:two', '2:two', '3:two']));
});

describe('while the lease of an owner runs for another hour', () => {
  let one: Replica;
  let two: Replica;
  const counts = () =>
    database.transaction(async (tx) => {
      for (const id of KEYS) await outbox.add(tx, counted({ id, n: 0 }));
    });
  beforeEach(async () => {
    await setLanes(database, 2);
    [one, two] = [new Replica('one'), new Replica('two')];
    await eventually(async () => expect(await owners()).toEqual(['0:one', '1:two']));
  });
  const fewLooks = async () => {
    const { looks } = two;
    await eventually(() => expect(two.looks).toBeGreaterThan(looks + 4));
  };

  it('takes over the lanes of one that was killed, since its session has ended', async () => {
    await known('one', 'two');
    await one.kill();
    await counts();
    await eventually(async () => expect(await left()).toBe(0));
    expect(await owners()).toEqual(['0:two', '1:two']);
    inOrder(1);
  });

  it('does not let one that was killed hold up another number of lanes', async () => {
    await known('one', 'two');
    await one.kill();
    await setLanes(database, 3);
    await eventually(async () => expect(await owners()).toEqual(['0:two', '1:two', '2:two']));
  });

  it('leaves its lanes to one that stands still, since its session lives', async () => {
    await known('one', 'two');
    await one.standStill();
    await fewLooks();
    expect(await owners()).toEqual(['0:one', '1:two']);
    await silence('one');
    await eventually(async () => expect(await owners()).toEqual(['0:two', '1:two']));
  });

  it('leaves its lanes to one that never had a session, as the version before', async () => {
    await one.standStill();
    await sql(`UPDATE outbox_relay SET present = false WHERE owner = 'one'`);
    await one.kill();
    await fewLooks();
    expect(await owners()).toEqual(['0:one', '1:two']);
  });

  it('leaves its lanes, in the end, to one whose session was cut', async () => {
    await known('one', 'two');
    await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN "outbox"' AND datname = current_database()`);
    await fewLooks();
    await counts();
    await eventually(async () => expect(await left()).toBe(0));
    inOrder(1);
    await known('one', 'two');
    await eventually(async () => expect(await owners()).toEqual(['0:one', '1:two']));
  });
});

it('does not send beside a relay of the version before, which knows one lane; either takes over from the other', async () => {
  await setLanes(database, 3);
  const add = async (n: number) => {
    for (const id of KEYS) await database.transaction((tx) => outbox.add(tx, counted({ id, n })));
  };
  const transport = new ScriptedTransport();
  transport.onSent = (records) => void log.push(...records);
  const before = (owner: string) =>
    new Relay({ store: new StoreOfTheVersionBefore(database), transport, clock: systemClock, owner, wakeup: new Wakeup() });
  const old = before('old');
  expect(await old.own()).toBe(true);

  const next = new Replica('next');
  await eventually(async () => expect((await sql<unknown[]>('SELECT FROM outbox_relay')).length).toBe(1));
  await add(0);
  const fresh = new SqlRelayStore(database, await new SqlLaneStore(database).look());
  for (const lane of [0, 1, 2]) expect(await fresh.acquire(lane, 'next', 1_000)).toBeUndefined();
  expect(next.transport.sent).toHaveLength(0);
  expect(await old.pass()).toBe(KEYS.length);

  await old.close(0);
  await eventually(async () => expect(await owners()).toEqual(['0:next', '1:next', '2:next']));
  expect(await old.own()).toBe(false);
  await add(1);
  await eventually(async () => expect(await left()).toBe(0));
  expect(next.transport.sent).toHaveLength(KEYS.length);

  // Rolled back: the last one out leaves the gate open.
  await next.stop();
  const again = before('again');
  expect(await again.own()).toBe(true);
  await add(2);
  while ((await again.pass()) > 0);
  inOrder(3);
});
