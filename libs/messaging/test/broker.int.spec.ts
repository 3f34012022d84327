import type { Tx } from '@ballast/database';
import { event, type EventOf } from '@ballast/message';
import { freePort, startKafka } from '@ballast/testing';
import { Injectable } from '@nestjs/common';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { Consume, kafkaTransport } from '../src/index.js';
import { Cleanup, freshDatabase, serviceName, startService, eventually } from './harness.js';

const shop = serviceName();
const happened = event(`${shop}.happened.v1`, { key: (p) => p.key, payload: z.object({ key: z.string(), n: z.int() }) });

@Injectable()
class Handlers {
  @Consume(happened)
  async on({ payload }: EventOf<typeof happened>, tx: Tx): Promise<void> {
    await tx.query('INSERT INTO effect (name) VALUES ($1)', [`${payload.key}:${payload.n}`]);
  }
}

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

it('rides out a broker that goes away and comes back: nothing lost, nothing set aside, order kept', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ballast-broker-'));
  cleanup.add(() => rm(directory, { recursive: true, force: true }));
  const port = await freePort();
  let kafka = await startKafka({ directory, port });
  cleanup.add(() => kafka.stop());
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  const transport = kafkaTransport({ brokers: kafka.brokers, clientId: 'outage' });
  const service = await startService({
    name: shop,
    definitions: [happened],
    consumes: [happened],
    providers: [Handlers],
    config,
    transport,
  });
  cleanup.add(() => service.stop());
  const keys = ['a', 'b', 'c'];
  const publish = (n: number) =>
    service.database.transaction(async (tx) => {
      for (const key of keys) await service.outbox.add(tx, happened({ key, n }));
    });
  const numbersOf = async (key: string) =>
    (await service.effects()).filter((e) => e.startsWith(`${key}:`)).map((e) => Number(e.split(':')[1]));

  await publish(0);
  await eventually(async () => expect(await service.effects()).toHaveLength(3));

  await kafka.stop();
  for (let n = 1; n <= 20; n++) await publish(n);
  await eventually(() => expect(transport.connected).toBe(false));
  expect(await service.rows('SELECT 1 FROM outbox')).toHaveLength(60);

  kafka = await startKafka({ directory, port });
  await publish(21);
  await eventually(async () => expect(await service.effects()).toHaveLength(66), { timeout: 60_000 });
  for (const key of keys) expect(await numbersOf(key)).toEqual(Array.from({ length: 22 }, (_, n) => n));
  expect(transport.connected).toBe(true);
  expect(await service.rows('SELECT 1 FROM dead_letter')).toHaveLength(0);
  await eventually(async () => expect(await service.rows('SELECT 1 FROM outbox')).toHaveLength(0));
}, 150_000);
