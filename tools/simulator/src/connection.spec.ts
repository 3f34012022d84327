import { Connection, remote } from './connection.js';
import { Instance } from './instance.js';
import { MemoryDatabase } from './memory/database.js';
import { Process } from './process.js';
import { Weather, type Fault } from './weather.js';
import { World } from './world.js';

const OUTAGE: Fault = { kind: 'database-down', at: 0, lasts: 0, target: 'order' };

function setup() {
  const world = new World(1);
  const weather = new Weather((probability) => world.random.chance(probability));
  const instance = new Instance(world, 'order', 'order-0', () => undefined);
  const process = new Process(world, 'order-0', 1);
  const connection = new Connection(process, instance, new MemoryDatabase('order', () => world.date), weather);
  const store = {
    waiting: [] as string[],
    idle: { poll: () => store.waiting.length === 0 },
    poll: async () => store.waiting.splice(0),
    count: async () => store.waiting.length,
  };
  const client = remote(connection, store, 'poll', 'count');
  /** What it gives, and how much time passes before it does. */
  const timed = async (call: () => Promise<unknown>) => {
    const began = world.now;
    let end: { is: unknown; took: number } | undefined;
    const ends = (is: unknown) => void (end = { is, took: world.now - began });
    void call().then(ends, ends);
    await world.run(10_000, () => end !== undefined);
    return end!;
  };
  return { world, weather, connection, store, client, timed };
}

describe('a statement', () => {
  it('takes its way there and back', async () => {
    const { client, store, timed } = setup();
    store.waiting.push('a');
    const { is, took } = await timed(() => client.count());
    expect(is).toBe(1);
    expect(took).toBeGreaterThan(0.2);
  });

  it('that polls and finds nothing has its answer at once; one that finds something has not', async () => {
    const { client, store, timed } = setup();
    expect(await timed(() => client.poll())).toEqual({ is: [], took: 0 });
    store.waiting.push('a');
    const found = await timed(() => client.poll());
    expect(found.is).toEqual(['a']);
    expect(found.took).toBeGreaterThan(0.2);
  });

  it('fails while the database is away, also one that would find nothing', async () => {
    const { client, weather, timed } = setup();
    weather.begin(OUTAGE);
    const { is, took } = await timed(() => client.poll());
    expect(is).toMatchObject({ name: 'NoPrimaryError' });
    expect(took).toBeGreaterThan(50);
  });
});

describe('whoever waits for a database that is away', () => {
  it('notices soon after it is back, and costs no event before', async () => {
    const { world, weather, connection, timed } = setup();
    weather.begin(OUTAGE);
    world.after(5_000, () => weather.end(OUTAGE));
    const { took } = await timed(() => connection.whenAvailable());
    expect(took).toBeGreaterThan(5_000);
    expect(took).toBeLessThanOrEqual(5_100);
    expect(world.events).toBe(2);
  });

  it('goes on waiting when another fault ended', async () => {
    const { world, weather, connection, timed } = setup();
    const other: Fault = { kind: 'broker-down', at: 0, lasts: 0 };
    weather.begin(OUTAGE);
    weather.begin(other);
    world.after(1_000, () => weather.end(other));
    world.after(2_000, () => weather.end(OUTAGE));
    expect((await timed(() => connection.whenAvailable())).took).toBeGreaterThan(2_000);
  });

  it('gives up when it is told to', async () => {
    const { world, weather, connection, timed } = setup();
    weather.begin(OUTAGE);
    const stopping = new AbortController();
    world.after(100, () => stopping.abort(new Error('enough')));
    expect(await timed(() => connection.whenAvailable(stopping.signal))).toMatchObject({ is: new Error('enough'), took: 100 });
  });
});
