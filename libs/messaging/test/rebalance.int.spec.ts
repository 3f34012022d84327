import type { Tx } from '@ballast/database';
import { event, type EventOf } from '@ballast/message';

import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Consume } from '../src/index.js';
import { Cleanup, freshDatabase, newTransport, serviceName, startService, eventually } from './harness.js';

const shop = serviceName();
const happened = event(`${shop}.happened.v1`, { key: (p) => p.key, payload: z.object({ key: z.string(), n: z.int() }) });

@Injectable()
class Handlers {
  handled = 0;
  @Consume(happened)
  async on({ payload }: EventOf<typeof happened>, tx: Tx): Promise<void> {
    this.handled++;
    await tx.query('INSERT INTO effect (name) VALUES ($1)', [`${payload.key}:${payload.n}`]);
  }
}

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

it('keeps order and effect-once while replicas of the service come and go', async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  const start = (instanceId: string) =>
    startService({
      name: shop,
      definitions: [happened],
      consumes: [happened],
      providers: [Handlers],
      config,
      transport: newTransport(instanceId),
      instanceId,
    });
  const first = await start('one');
  cleanup.add(() => first.stop());
  const keys = Array.from({ length: 12 }, (_, i) => `k${i}`);
  let n = 0;
  let publishing = true;
  const publisher = (async () => {
    while (publishing) {
      await first.database.transaction(async (tx) => {
        for (const key of keys) await first.outbox.add(tx, happened({ key, n }));
      });
      n++;
    }
  })();
  await eventually(async () => expect((await first.effects()).length).toBeGreaterThan(100));
  const second = await start('two');
  const [{ owner }] = (await first.rows<{ owner: string }>('SELECT owner FROM outbox_lane')) as [{ owner: string }];
  expect(owner).toBe('one');
  await eventually(() => expect(second.app.get(Handlers).handled).toBeGreaterThan(50));
  await second.stop();
  const after = n;
  await eventually(() => expect(n).toBeGreaterThan(after + 50));
  publishing = false;
  await publisher;
  const effects = await eventually(async () => {
    const all = await first.effects();
    expect(all).toHaveLength(n * keys.length);
    return all;
  });
  for (const key of keys) {
    const numbers = effects.filter((e) => e.startsWith(`${key}:`)).map((e) => Number(e.split(':')[1]));
    expect(numbers).toEqual(Array.from({ length: n }, (_, i) => i));
  }
});
