import { freePort, startKafka, testBrokers } from '@ballast/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BrokerUnavailableError,
  type KafkaClientName,
  kafkaClients,
  kafkaTransport,
  type ReceivedRecord,
  type Transport,
} from '../src/index.js';
import { numbersOf, type Replica, startReplica, upTo } from './conformance/replica.js';
import { Cleanup, eventually, freshDatabase, sendSurely, serviceName } from './harness.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

function open(client: KafkaClientName, brokers = testBrokers()): Transport {
  const transport = kafkaTransport({ brokers, clientId: client, client });
  cleanup.add(() => transport.close());
  return transport;
}

/** Partitions by client and key, of everything on the topic. */
async function partitionsOn(topic: string, count: number): Promise<Map<string, Map<string, number>>> {
  const found = new Map<string, Map<string, number>>(kafkaClients.map((client) => [client, new Map()]));
  let seen = 0;
  const reader = open('kafkajs');
  await reader.connect([topic]);
  const subscription = await reader.subscribe({
    group: serviceName('reader'),
    topics: [topic],
    onBatch: async ({ records, partition, commit }) => {
      for (const { value, key } of records) found.get(value)!.set(key, partition);
      seen += records.length;
      await commit(String(BigInt(records.at(-1)!.offset) + 1n));
    },
  });
  cleanup.add(() => subscription.stop());
  await eventually(() => expect(seen).toBeGreaterThanOrEqual(count));
  return found;
}

it('a key has the same partition, whichever client sends it', async () => {
  const topic = `${serviceName()}.events`;
  const keys = Array.from({ length: 500 }, (_, i) => `${'k'.repeat(i % 9)}${i}`);
  keys.push('', ' ', 'ü', '世界', '🛒', '\0', 'x'.repeat(5_000), 'ffffffff-ffff-7fff-bfff-ffffffffffff');
  for (const client of kafkaClients) {
    const transport = open(client);
    await transport.connect([topic]);
    await sendSurely(
      transport,
      keys.map((key) => ({ topic, key, value: client, headers: {} })),
    );
  }
  const { kafkajs, platformatic } = Object.fromEntries(await partitionsOn(topic, 2 * keys.length));
  expect(kafkajs!.size).toBe(keys.length);
  expect(platformatic).toEqual(kafkajs);
});

it('a service moves from one client to the other, and back, under load: one group, in order, each effect once', async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  const shop = serviceName();
  const keys = Array.from({ length: 24 }, (_, i) => `k${i}`);
  const start = async (client: KafkaClientName, instanceId: string): Promise<Replica> => {
    const replica = await startReplica({ shop, config, instanceId }, open(client));
    cleanup.add(() => replica.stop());
    return replica;
  };
  /** Both work, and then the one left alone does; the leader of the group, who shares out the partitions, is each of them in turn. */
  const handOver = async (from: Replica, to: Replica) => {
    const before = [from.handled, to.handled];
    await eventually(() => {
      expect(to.handled).toBeGreaterThan(before[1]! + 50);
      expect(from.handled).toBeGreaterThan(before[0]! + 50);
    });
    await from.stop();
    const alone = to.handled;
    await eventually(() => expect(to.handled).toBeGreaterThan(alone + 200));
  };
  const first = await start('kafkajs', 'one');
  let rounds = 0;
  let publisher = first;
  let going = true;
  const load = (async () => {
    while (going) await publisher.publish(keys, rounds).then(() => rounds++);
  })();
  cleanup.add(async () => ((going = false), await load));

  const second = await start('platformatic', 'two');
  publisher = second;
  await handOver(first, second);
  const third = await start('kafkajs', 'three');
  publisher = third;
  await handOver(second, third);
  const fourth = await start('platformatic', 'four');
  await handOver(third, (publisher = fourth));
  going = false;
  await load;
  const effects = await eventually(async () => {
    const all = await fourth.effects();
    expect(all.length).toBeGreaterThanOrEqual(rounds * keys.length);
    return all;
  });
  for (const key of keys) expect(numbersOf(effects, key)).toEqual(upTo(rounds));
}, 180_000);

describe.each(kafkaClients)('%s', (client) => {
  async function ownBroker() {
    const directory = await mkdtemp(join(tmpdir(), 'ballast-broker-'));
    cleanup.add(() => rm(directory, { recursive: true, force: true }));
    const at = { directory, port: await freePort() };
    let running = await startKafka(at);
    cleanup.add(() => running.stop());
    return {
      brokers: running.brokers,
      pause: () => running.faults!.pause(),
      kill: () => running.faults!.kill(),
      restart: async () => void (running = await startKafka(at)),
    };
  }

  async function reading(transport: Transport, topic: string) {
    const received: ReceivedRecord[] = [];
    const subscription = await transport.subscribe({
      group: serviceName('group'),
      topics: [topic],
      onBatch: async (batch) => {
        if (!batch.active) return;
        received.push(...batch.records);
        await batch.commit(String(BigInt(batch.records.at(-1)!.offset) + 1n));
      },
    });
    cleanup.add(() => subscription.stop());
    return () => [...new Set(received.map(({ value }) => value))];
  }
  const record = (topic: string, value: string) => ({ topic, key: value, value, headers: {} });

  it('waits out a broker that takes connections and answers nothing', async () => {
    const broker = await ownBroker();
    const topic = `${serviceName()}.events`;
    const transport = open(client, broker.brokers);
    await transport.connect([topic]);
    const values = await reading(transport, topic);
    await sendSurely(transport, [record(topic, 'before')]);
    await eventually(() => expect(values()).toEqual(['before']));

    const resume = await broker.pause();
    cleanup.add(resume);
    const stranger = open(client, broker.brokers);
    const connecting = stranger.connect([topic]);
    // By its own limit: a relay's lease outlives no send.
    for (const sender of [transport, stranger]) await expect(sender.send([record(topic, 'lost')])).rejects.toThrow(BrokerUnavailableError);
    await eventually(() => expect([transport.connected, transport.consuming]).toEqual([false, false]));
    await resume();
    await connecting;
    await sendSurely(transport, [record(topic, 'after')]);
    await eventually(() => expect(values()).toContain('after'));
    await eventually(() => expect([transport.connected, transport.consuming]).toEqual([true, true]));
  }, 150_000);

  it('stops and closes in bounded time while the broker answers nothing', async () => {
    const broker = await ownBroker();
    const topic = `${serviceName()}.events`;
    const transport = kafkaTransport({ brokers: broker.brokers, clientId: client, client });
    await transport.connect([topic]);
    const subscription = await transport.subscribe({ group: serviceName(), topics: [topic], onBatch: async () => undefined });
    await eventually(() => expect(transport.consuming).toBe(true));
    cleanup.add(await broker.pause());
    await subscription.stop();
    await transport.close();
    expect([transport.connected, transport.consuming]).toEqual([false, false]);
  }, 60_000);

  it('comes back after a broker that was killed, twice', async () => {
    const broker = await ownBroker();
    const topic = `${serviceName()}.events`;
    const transport = open(client, broker.brokers);
    await transport.connect([topic]);
    const values = await reading(transport, topic);
    for (const round of ['one', 'two']) {
      await sendSurely(transport, [record(topic, `before ${round}`)]);
      await eventually(() => expect(values()).toContain(`before ${round}`));
      await broker.kill();
      await eventually(() => expect([transport.connected, transport.consuming]).toEqual([false, false]));
      await broker.restart();
      await sendSurely(transport, [record(topic, `after ${round}`)]);
      await eventually(() => expect(values()).toContain(`after ${round}`));
    }
  }, 180_000);
});
