import { Database } from '@ballast/database';
import { event } from '@ballast/message';
import { Consume, Messaging } from '@ballast/messaging';
import { eventually, testBrokers, testDatabase, uniqueName } from '@ballast/testing';
import { Injectable, Module } from '@nestjs/common';
import { z } from 'zod';
import { defineService } from '../src/index.js';
import { testService } from '../src/testing.js';

const name = uniqueName('stopper').replaceAll('_', '-');
const happened = event(`${name}.happened.v1`, { key: (p) => p.id, payload: z.object({ id: z.string() }) });
const manifest = defineService({ name, port: 3999, database: true, messages: [happened], consumes: [happened] });

@Injectable()
class Listener {
  @Consume(happened)
  hear(): void {}
}

@Module({ providers: [Listener] })
class StopperModule {}

it('lets consumers, intents and relay finish before their database goes', async () => {
  const database = await testDatabase('stopper');
  const service = await testService(StopperModule, manifest, { database: database.config, brokers: testBrokers() });
  await eventually(async () => expect((await service.request('/health/ready')).body).toEqual({ status: 'ok', away: [] }));
  const messaging = service.app.get(Messaging, { strict: false });
  const pools = service.app.get(Database, { strict: false });
  const order: string[] = [];

  const stop = messaging.stop.bind(messaging);
  jest.spyOn(messaging, 'stop').mockImplementation(async () => {
    await stop();
    order.push('messaging stopped');
  });
  const close = pools.onApplicationShutdown.bind(pools);
  jest.spyOn(pools, 'onApplicationShutdown').mockImplementation(async () => {
    order.push('database closes');
    await close();
  });

  await service.close();
  expect(order).toEqual(['messaging stopped', 'database closes']);
  await database.drop();
});
