import { Database } from '@ballast/database';
import { event } from '@ballast/message';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Outbox, setLanes, systemClock } from '../src/index.js';
import { SqlLaneStore } from '../src/lanes.js';
import { sqlOutboxStore } from '../src/outbox.store.js';
import { POLL } from '../src/relay.js';
import { SqlRelayStore } from '../src/relay.store.js';
import { Relays } from '../src/relays.js';
import { ReplicaWakeup } from '../src/replica-wakeup.js';
import { Wakeup } from '../src/wakeup.js';
import { Cleanup, eventually, freshDatabase, migrations } from './harness.js';
import { ScriptedTransport } from './scripted-transport.js';

const happened = event('shop.happened.v1', { key: (p) => p.id, payload: z.object({ id: z.string() }) });
const cleanup = new Cleanup();
let database: Database;
/** By whom something was notified; nobody, when the test begins to listen. */
let told: string[];
let replicas: Replica[];
let ear: AbortController;

beforeAll(async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  database = await Database.open({ config: { ...config, poolSize: 20 }, migrations });
  cleanup.add(() => database.close());
  await database.ready;
});
beforeEach(async () => {
  [told, replicas] = [[], []];
  ear = new AbortController();
  void database.listen('outbox', (by = 'nobody') => told.push(by), ear.signal);
  await eventually(() => expect(told).toEqual(['nobody']));
});
afterEach(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  ear.abort();
  await database.primary.query('DELETE FROM outbox');
  await eventually(async () => expect(await listening()).toBe(0));
});
afterAll(() => cleanup.run());

/** The poll, which would find everything a little later, is so seldom that no test sees it. */
const clock: typeof systemClock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === POLL ? 600_000 : ms, signal) };

class Replica {
  readonly transport = new ScriptedTransport();
  readonly outbox: Outbox;
  /** How often it has asked who else is there. */
  looks = 0;
  private readonly ending = new AbortController();
  private readonly relays: Relays;
  private readonly running: Promise<void>;

  constructor(readonly name: string) {
    const committed = new Wakeup();
    const { wakeup } = committed.follower();
    const lanes = new SqlLaneStore(database);
    const look = lanes.look.bind(lanes);
    lanes.look = () => look().finally(() => this.looks++);
    this.outbox = new Outbox({ service: 'shop', store: sqlOutboxStore, clock, newId: randomUUID, relay: committed });
    this.relays = new Relays({
      ...{ lanes, transport: this.transport, clock, owner: name, wakeup },
      storeOf: (view) => new SqlRelayStore(database, view),
      replicas: new ReplicaWakeup({ database, clock, owner: name, committed, relays: wakeup }),
    });
    this.running = this.relays.run(this.ending.signal);
    replicas.push(this);
  }

  add(id: string): Promise<void> {
    return database.transaction((tx) => this.outbox.add(tx, happened({ id })));
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
    await this.relays.close(0);
  }
}

/** The owners of the lanes, from the first on. */
const owned = (...owners: string[]) =>
  eventually(
    async () => {
      const rows = await database.primary.query<{ owner: string }[]>(
        `SELECT owner FROM outbox_lane
         WHERE lane > 0 AND lease_until > clock_timestamp() AND generation = (SELECT generation FROM outbox_lanes) ORDER BY lane`,
      );
      expect(rows.map(({ owner }) => owner)).toEqual(owners);
    },
    { timeout: 20_000 },
  );
/** How many connections wait for news. */
const listening = async (): Promise<number> => {
  const [{ n }] = await database.primary.query<[{ n: number }]>(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE query = 'LISTEN "outbox"' AND datname = current_database()`,
  );
  return n;
};
/** That of this test apart. */
const ears = async () => (await listening()) - 1;

/** Each replica looks once a second whether others are there: until it has. */
const tells = (replica: Replica) =>
  eventually(
    async () => {
      await replica.add('first');
      expect(told).toContain(replica.name);
    },
    { timeout: 20_000 },
  );

it('what one replica commits is sent at once by the other, which owns the lane', async () => {
  const [one, two] = [new Replica('one'), new Replica('two')];
  await owned('one');
  await eventually(async () => expect(await ears()).toBe(1), { timeout: 20_000 });
  await tells(two);
  for (const key of ['a', 'b', 'c']) {
    await two.add(key);
    await eventually(() => expect(one.transport.keys).toContain(key), { timeout: 10_000 });
  }
  expect(two.transport.keys).toEqual([]);
  expect(new Set(told)).toEqual(new Set(['nobody', 'two']));
}, 60_000);

it('many commits share a notification, and nobody tells again what was told', async () => {
  const [one, two] = [new Replica('one'), new Replica('two')];
  await owned('one');
  await eventually(async () => expect(await ears()).toBe(1), { timeout: 20_000 });
  await tells(two);
  const before = told.length;
  await Promise.all(Array.from({ length: 200 }, (_, n) => two.add(`k${n}`)));
  await eventually(() => expect(new Set(one.transport.keys).size).toBe(201), { timeout: 10_000 });
  expect(told.length - before).toBeLessThan(100);
}, 60_000);

it('a replica alone neither tells nor listens', async () => {
  const one = new Replica('one');
  await owned('one');
  await one.add('a');
  await eventually(() => expect(one.transport.keys).toEqual(['a']));
  // Once it has looked again for others, what it told would have come before this.
  const looks = one.looks;
  await eventually(() => expect(one.looks).toBeGreaterThan(looks + 1), { timeout: 20_000 });
  await database.primary.query(`SELECT pg_notify('outbox', 'this test')`);
  await eventually(() => expect(told).toContain('this test'));
  expect(told).toEqual(['nobody', 'this test']);
  expect(await ears()).toBe(0);
});

it('replicas with a lane each wake each other', async () => {
  await setLanes(database, 2);
  const [one, two] = [new Replica('one'), new Replica('two')];
  await owned('one', 'two');
  await eventually(async () => expect(await ears()).toBe(2), { timeout: 20_000 });
  await tells(one);
  await tells(two);
  for (let n = 0; n < 8; n++) await (n % 2 ? one : two).add(`k${n}`);
  const sent = () => [one, two].map(({ transport }) => new Set(transport.keys).size);
  await eventually(() => expect(sent().reduce((a, b) => a + b)).toBe(9), { timeout: 10_000 });
  expect(Math.min(...sent())).toBeGreaterThan(1);
}, 60_000);
