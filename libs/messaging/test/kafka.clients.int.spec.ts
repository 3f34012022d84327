import { testBrokers } from '@ballast/testing';
import { type KafkaClientName, kafkaClients, kafkaTransport, type Transport } from '../src/index.js';
import { numbersOf, type Replica, startReplica, upTo } from './conformance/replica.js';
import { Cleanup, eventually, freshDatabase, sendSurely, serviceName } from './harness.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

function open(client: KafkaClientName): Transport {
  const transport = kafkaTransport({ brokers: testBrokers(), clientId: client, client });
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
