import { AsyncLocalStorage } from 'node:async_hooks';
import { MemoryBroker } from './memory.broker.js';
import { memoryTransport } from './memory.transport.js';
import { type Batch, BrokerUnavailableError, PartlySentError, RecordRefusedError, type Transport } from './transport.js';

const EVENTS = 'shop.events';
const record = (key: string, id: string, topic = EVENTS) => ({ topic, key, value: '{}', headers: { ce_id: id } });
const done = (batch: Batch) => batch.commit(String(Number(batch.records.at(-1)!.offset) + 1));

let broker: MemoryBroker;
let transports: Transport[];
const open = async (...topics: string[]): Promise<Transport> => {
  const transport = memoryTransport({ broker });
  transports.push(transport);
  if (topics.length) await transport.connect(topics);
  return transport;
};
/** Subscribes; what comes is noted, and dealt with by `handle`. */
const read = async (group: string, handle: (batch: Batch) => Promise<void> = done, topic = EVENTS) => {
  const transport = await open();
  const seen: string[] = [];
  const subscription = await transport.subscribe({
    group,
    topics: [topic],
    onBatch: (batch) => {
      seen.push(...batch.records.map(({ headers }) => headers['ce_id']!));
      return handle(batch);
    },
  });
  return { seen, stop: () => subscription.stop() };
};
const gate = () => {
  let open!: () => void;
  const wait = new Promise<void>((resolve) => (open = resolve));
  return { wait, open };
};
/** A send and how it ended. */
const outcome = (sending: Promise<void>) =>
  sending.then(
    () => 'sent',
    (error: Error) => error,
  );
const soon = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  broker = new MemoryBroker({ groups: [] });
  transports = [];
});
afterEach(() => Promise.all(transports.map((transport) => transport.close())));

describe('a send', () => {
  it('is acknowledged when every group has committed, and not before', async () => {
    const held = gate();
    const sender = await open(EVENTS);
    await read('fast');
    await read('slow', async (batch) => {
      await held.wait;
      await done(batch);
    });
    let acknowledged = false;
    const sending = sender.send([record('a', '1')]).then(() => (acknowledged = true));
    for (let i = 0; i < 20; i++) await soon();
    expect(acknowledged).toBe(false);
    held.open();
    await sending;
  });

  it('is acknowledged at once when nobody reads its topic, and kept nowhere', async () => {
    const sender = await open(EVENTS);
    await sender.send([record('a', '1'), record('a', '2', `${EVENTS}.dlq`)]);
    const late = await read('late');
    await sender.send([record('a', '3')]);
    expect(late.seen).toEqual(['3']);
  });

  it('ends within about a second when it is not handled, and says who is awaited', async () => {
    const sender = await open(EVENTS);
    const stuck = gate();
    await read('stuck', () => stuck.wait);
    const error = await outcome(sender.send([record('a', '1')]));
    expect(error).toBeInstanceOf(BrokerUnavailableError);
    expect(error).not.toBeInstanceOf(PartlySentError);
    expect((error as Error).message).toContain('stuck');
    stuck.open();
  });

  it('tells which records are safe when others are not', async () => {
    const sender = await open(EVENTS, 'other.events');
    const stuck = gate();
    await read('stuck', () => stuck.wait, 'other.events');
    const well = await read('well');
    const error = await outcome(sender.send([record('a', '1'), record('a', '2', 'other.events'), record('a', '3')]));
    expect(error).toBeInstanceOf(PartlySentError);
    expect((error as PartlySentError).sent).toEqual([0, 2]);
    expect(well.seen).toEqual(['1', '3']);
    stuck.open();
  });

  it('that is repeated finds its records where they were: each is handed over once, in order, and no more is held', async () => {
    const sender = await open(EVENTS);
    const stuck = gate();
    const reader = await read('reader', async (batch) => {
      await stuck.wait;
      await done(batch);
    });
    const first = [record('a', '1'), record('a', '2')];
    await outcome(sender.send(first));
    // With another trace, as the relay sends it, and with what has come since.
    const again = [...first.map((r) => ({ ...r, headers: { ...r.headers, traceparent: 'another' } })), record('a', '3')];
    await outcome(sender.send(again));
    const last = outcome(sender.send(again));
    stuck.open();
    expect(await last).toBe('sent');
    expect(reader.seen).toEqual(['1', '2', '3']);
  });

  it('brings equal records as often as they are sent', async () => {
    const sender = await open(EVENTS);
    const reader = await read('reader');
    await sender.send([record('a', '1'), record('a', '1')]);
    await sender.send([record('a', '1')]);
    expect(reader.seen).toEqual(['1', '1', '1']);
  });

  it('waits for a topic that another service is about to make', async () => {
    const sender = await open(EVENTS);
    const sending = sender.send([record('a', '1', 'late.events')]);
    await open('late.events');
    await sending;
    await expect(sender.send([record('a', 'x'.repeat(2_000_000))])).rejects.toThrow(RecordRefusedError);
  });

  it('ends at once when its transport is closed', async () => {
    const sender = await open(EVENTS);
    const stuck = gate();
    await read('stuck', () => stuck.wait);
    const sending = outcome(sender.send([record('a', '1')]));
    await sender.close();
    expect(await sending).toBeInstanceOf(BrokerUnavailableError);
    stuck.open();
  });
});

describe('groups that are expected', () => {
  beforeEach(() => {
    broker = new MemoryBroker({ groups: ['cart', 'order'] });
  });

  it('are waited for: until all have subscribed nobody is connected, and nothing is taken', async () => {
    const sender = await open();
    const connecting = sender.connect([EVENTS]);
    const order = await read('order');
    expect(sender.connected).toBe(false);
    expect(broker.missing).toEqual(['cart']);
    expect(await outcome(sender.send([record('a', '1')]))).toBeInstanceOf(BrokerUnavailableError);
    expect(order.seen).toEqual([]);
    const cart = await read('cart');
    await connecting;
    expect(sender.connected).toBe(true);
    await sender.send([record('a', '1')]);
    expect([cart.seen, order.seen]).toEqual([['1'], ['1']]);
  });

  it('are waited for again when they have left: what comes meanwhile is theirs when they are back', async () => {
    const sender = await open();
    const [cart, order] = [await read('cart'), await read('order')];
    await sender.connect([EVENTS]);
    await order.stop();
    expect(sender.connected).toBe(true);
    const sending = outcome(sender.send([record('a', '1')]));
    const back = await read('order');
    expect(await sending).toBe('sent');
    expect([cart.seen, order.seen, back.seen]).toEqual([['1'], [], ['1']]);
  });
});

it('gives a group that nobody expected what others have not handled yet', async () => {
  const sender = await open(EVENTS);
  const stuck = gate();
  await read('slow', async (batch) => {
    await stuck.wait;
    await done(batch);
  });
  const sending = sender.send([record('a', '1')]);
  const late = await read('late');
  stuck.open();
  await sending;
  expect(late.seen).toEqual(['1']);
});

it('runs a handler in the context of its subscription, not of the send', async () => {
  const whose = new AsyncLocalStorage<string>();
  const sender = await open(EVENTS);
  const contexts: (string | undefined)[] = [];
  await whose.run('reader', () =>
    read('reader', async (batch) => {
      contexts.push(whose.getStore());
      await done(batch);
    }),
  );
  await whose.run('sender', async () => {
    await sender.send([record('a', '1')]);
    await sender.send([record('a', '2')]);
  });
  expect(contexts).toEqual(['reader', 'reader']);
});

it('gives the partitions of a member that is gone to the others at once, and takes nothing more from it', async () => {
  const sender = await open(EVENTS);
  const stuck = gate();
  let held!: Batch;
  const gone = await open();
  await gone.subscribe({ group: 'reader', topics: [EVENTS], onBatch: (batch) => ((held = batch), stuck.wait) });
  const sending = sender.send([record('a', '1')]);
  await soon();
  await gone.close();
  const other = await read('reader');
  await sending;
  expect(other.seen).toEqual(['1']);
  expect(held.active).toBe(false);
  await expect(held.commit('1')).rejects.toThrow();
  stuck.open();
});
