import { testBrokers, uniqueName } from '@ballast/testing';
import { kafkaClients, kafkaTransport } from '../src/index.js';
import { endOf } from './conformance/fixture.js';
import { Cleanup, eventually } from './harness.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());
const record = (topic: string, key: string, value: string) => ({ topic, key, value, headers: {} });

it.each(kafkaClients)('%s sends many at once from one producer, and each key stays in its order', async (client) => {
  const topic = `${uniqueName('many')}.events`;
  const transport = kafkaTransport({ brokers: testBrokers(), clientId: 'test', client });
  cleanup.add(() => transport.close());
  await transport.connect([topic]);
  const received = new Map<string, string[]>();
  const subscription = await transport.subscribe({
    group: uniqueName('group'),
    topics: [topic],
    onBatch: async (batch) => {
      for (const { key, value } of batch.records) received.set(key, [...(received.get(key) ?? []), value]);
      await batch.commit(endOf(batch));
    },
  });
  cleanup.add(() => subscription.stop());
  const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
  const numbers = ['0', '1', '2', '3', '4'];
  await Promise.all(
    keys.map(async (key) => {
      for (const number of numbers) await transport.send([record(topic, key, number)]);
    }),
  );
  await eventually(() => {
    for (const key of keys) expect(received.get(key)).toEqual(numbers);
  });
});
