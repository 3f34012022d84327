import { event, type EventOf } from '@ballast/message';
import type { Tx } from '@ballast/database';
import { faultProxy, testBrokers } from '@ballast/testing';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Consume, kafkaTransport, type Subscription } from '../src/index.js';
import { gate, ScriptedTransport } from './scripted-transport.js';
import { Cleanup, freshDatabase, newTransport, serviceName, startService, eventually } from './harness.js';

const shop = serviceName();
const happened = event(`${shop}.happened.v1`, { key: (p) => p.id, payload: z.object({ id: z.string() }) });

@Injectable()
class Handlers {
  @Consume(happened)
  async on({ payload }: EventOf<typeof happened>, tx: Tx): Promise<void> {
    await tx.query('INSERT INTO effect (name) VALUES ($1)', [payload.id]);
  }
}

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

async function start(transport = newTransport(), config?: Awaited<ReturnType<typeof freshDatabase>>['config']) {
  if (!config) {
    const database = await freshDatabase();
    cleanup.add(database.drop);
    config = database.config;
  }
  const service = await startService({
    name: shop,
    definitions: [happened],
    consumes: [happened],
    providers: [Handlers],
    config,
    transport,
  });
  cleanup.add(() => service.stop());
  return { service, config };
}
type Service = Awaited<ReturnType<typeof start>>['service'];
const publish = (service: Service, id: string) => service.database.transaction((tx) => service.outbox.add(tx, happened({ id })));

it('sends what is pending before it stops, and goes on where it stopped', async () => {
  const { service, config } = await start();
  await publish(service, 'first');
  await eventually(async () => expect(await service.effects()).toContain('first'));
  await Promise.all(Array.from({ length: 50 }, (_, i) => publish(service, `late ${i}`)));
  await service.messaging.stop();
  expect(await service.rows('SELECT 1 FROM outbox')).toHaveLength(0);
  await service.stop();
  const { service: again } = await start(newTransport(), config);
  await eventually(async () => expect((await again.effects()).filter((e) => e.startsWith('late'))).toHaveLength(50));
});

it('starts while Kafka is away, publishes when it comes, and comes back after it broke', async () => {
  const [host, port] = testBrokers()[0]!.split(':') as [string, string];
  const proxy = await faultProxy({ host, port: Number(port) });
  cleanup.add(() => proxy.close());
  proxy.refuse();
  // kafkajs follows the advertised address after the first contact, so the proxy is the way in and not the whole way.
  const { service } = await start(kafkaTransport({ brokers: [`${proxy.host}:${proxy.port}`], clientId: 'late' }));
  expect(service.messaging.connected).toBe(false);
  await publish(service, 'waits');
  expect(await service.rows('SELECT 1 FROM outbox')).toHaveLength(1);
  proxy.heal();
  await eventually(async () => expect(await service.effects()).toContain('waits'));
  expect(service.messaging.connected).toBe(true);
});

it('leaves no subscription behind that comes while it stops', async () => {
  const [asked, given] = [gate(), gate()];
  const stopped: string[] = [];
  class Slow extends ScriptedTransport {
    override async subscribe(): Promise<never> {
      asked.open();
      await given.wait;
      const subscription: Subscription = { stop: async () => void stopped.push('subscription') };
      return subscription as never;
    }
    override async close(): Promise<void> {
      stopped.push('transport');
      given.open();
    }
  }
  const { service } = await start(new Slow());
  await asked.wait;
  await service.messaging.stop();
  expect(stopped).toEqual(['transport', 'subscription']);
});
