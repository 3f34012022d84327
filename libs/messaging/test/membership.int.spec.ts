import { testBrokers, uniqueName } from '@ballast/testing';
import { AssignerProtocol, Kafka, logLevel, PartitionAssigners } from 'kafkajs';
import { kafkaClients, kafkaTransport } from '../src/index.js';
import { Cleanup, eventually } from './harness.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

it.each(kafkaClients)('%s tells a broker that answers from a group that takes the consumer in', async (client) => {
  const group = uniqueName('group');
  const topic = `${group}.events`;
  const transport = kafkaTransport({ brokers: testBrokers(), clientId: 'test', client });
  cleanup.add(() => transport.close());
  await transport.connect([topic]);

  // A member that agrees with nobody on how to share the partitions: the coordinator lets no other in.
  const other = new Kafka({ brokers: testBrokers(), logLevel: logLevel.NOTHING }).consumer({
    groupId: group,
    partitionAssigners: [
      (config) => ({
        ...PartitionAssigners.roundRobin(config),
        name: 'unheard of',
        protocol: ({ topics }) => ({
          name: 'unheard of',
          metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
        }),
      }),
    ],
  });
  await other.connect();
  let disconnected: Promise<void> | undefined;
  const leave = () => (disconnected ??= other.disconnect());
  cleanup.add(leave);
  await other.subscribe({ topic });
  const taken = new Promise((resolve) => other.on(other.events.GROUP_JOIN, resolve));
  // It may be given the record below before it leaves; the group's offset must not pass it.
  await other.run({ autoCommit: false, eachMessage: async () => undefined });
  await taken;

  let heard = 0;
  const subscription = await transport.subscribe({ group, topics: [topic], onBatch: async () => void heard++ });
  cleanup.add(() => subscription.stop());
  await transport.send([{ topic, key: 'a', value: '{}', headers: {} }]);
  expect(transport.connected).toBe(true);
  expect(transport.consuming).toBe(false);

  await leave();
  await eventually(() => expect(transport.consuming).toBe(true));
  await eventually(() => expect(heard).toBeGreaterThan(0));

  await subscription.stop();
  expect(transport.consuming).toBe(false);
});

it.each(kafkaClients)('%s is no member of its group once it was stopped, although it had not joined yet', async (client) => {
  const group = uniqueName('group');
  const topic = `${group}.events`;
  const transport = kafkaTransport({ brokers: testBrokers(), clientId: 'test', client });
  cleanup.add(() => transport.close());
  await transport.connect([topic]);
  const admin = new Kafka({ brokers: testBrokers(), logLevel: logLevel.NOTHING }).admin();
  cleanup.add(() => admin.disconnect());
  await admin.connect();

  // Wherever it is on its way into the group by then.
  for (const ms of [0, 5, 10, 20, 40, 80, 160]) {
    const subscription = await transport.subscribe({ group, topics: [topic], onBatch: async () => undefined });
    await new Promise((resolve) => setTimeout(resolve, ms));
    await subscription.stop();
  }
  const { groups } = await eventually(() => admin.describeGroups([group]));
  expect(groups[0]!.members).toEqual([]);
});
