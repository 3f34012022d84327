import { dropKafka, freePort, startKafka } from '@ballast/testing';
import { mkdtemp } from 'node:fs/promises';
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
import { Cleanup, eventually, sendSurely, serviceName } from './harness.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

function open(client: KafkaClientName, brokers: string[]): Transport {
  const transport = kafkaTransport({ brokers, clientId: client, client });
  cleanup.add(() => transport.close());
  return transport;
}

describe.each(kafkaClients)('%s', (client) => {
  async function ownBroker() {
    const directory = await mkdtemp(join(tmpdir(), 'ballast-broker-'));
    cleanup.add(() => Promise.resolve(dropKafka(directory)));
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
