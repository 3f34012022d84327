import { event, type EventOf } from '@ballast/message';
import type { Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Consume } from '../../src/index.js';
import { eventually, freshDatabase, serviceName, startService } from '../harness.js';
import { type Fixture, record } from './fixture.js';
import { numbersOf, upTo } from './replica.js';

export function delivery(f: Fixture): void {
  async function twoServices() {
    const producer = serviceName();
    const happened = event(`${producer}.happened.v1`, { key: (p) => p.id, payload: z.object({ id: z.string(), n: z.int() }) });

    @Injectable()
    class Handlers {
      @Consume(happened)
      async on({ payload }: EventOf<typeof happened>, tx: Tx): Promise<void> {
        await tx.query('INSERT INTO effect (name) VALUES ($1)', [`${payload.id}:${payload.n}`]);
      }
    }

    const [a, b] = [await freshDatabase(), await freshDatabase()];
    f.cleanup.add(() => Promise.all([a.drop(), b.drop()]));
    const shop = await startService({ name: producer, definitions: [happened], config: a.config, transport: f.setup.open('shop') });
    f.cleanup.add(() => shop.stop());
    const reader = await startService({
      name: serviceName('reader'),
      definitions: [happened],
      consumes: [happened],
      providers: [Handlers],
      config: b.config,
      transport: f.setup.open('reader'),
    });
    f.cleanup.add(() => reader.stop());
    return { shop, reader, happened };
  }

  it('an event arrives if and only if its transaction commits, in order per key under 16 concurrent writers', async () => {
    const { shop, reader, happened } = await twoServices();
    const keys = ['k1', 'k2', 'k3'];
    const counters = new Map(keys.map((key) => [key, 0]));
    const committed: string[] = [];
    const writers = Array.from({ length: 16 }, async (_, w) => {
      for (let i = 0; i < 15; i++) {
        const key = keys[(w + i) % keys.length]!;
        const abort = i % 4 === 3;
        await shop.database
          .transaction(async (tx) => {
            // The aggregate's own lock gives each write its number, as a version column would.
            await tx.query('SELECT pg_advisory_xact_lock($1)', [keys.indexOf(key)]);
            const n = counters.get(key)!;
            await shop.outbox.add(tx, happened({ id: key, n }));
            if (abort) throw new Error('rolled back');
            counters.set(key, n + 1);
            committed.push(`${key}:${n}`);
          })
          .catch((error: Error) => expect(error.message).toBe('rolled back'));
      }
    });
    await Promise.all(writers);
    const effects = await eventually(async () => {
      const seen = await reader.effects();
      expect(seen).toHaveLength(committed.length);
      return seen;
    });
    for (const key of keys) expect(numbersOf(effects, key)).toEqual(upTo(counters.get(key)!));
    await eventually(async () => expect(await shop.rows('SELECT 1 FROM outbox')).toHaveLength(0));
    expect(await reader.rows('SELECT 1 FROM dead_letter')).toHaveLength(0);
  });

  it('an event that comes five times has one effect', async () => {
    const { shop, reader, happened } = await twoServices();
    const transport = await f.connect(happened.topic);
    await shop.database.transaction((tx) => shop.outbox.add(tx, happened({ id: 'five', n: 1 })));
    await eventually(async () => expect(await reader.effects()).toContain('five:1'));
    const [{ message_id: id }] = (await reader.rows<{ message_id: string }>(
      'SELECT message_id FROM inbox WHERE type = $1 ORDER BY received_at DESC LIMIT 1',
      [happened.type],
    )) as [{ message_id: string }];
    const again = record(happened.topic, 'five', JSON.stringify({ id: 'five', n: 1 }), {
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: '/x',
      ce_type: happened.type,
      ce_time: new Date().toISOString(),
    });
    await f.send(transport, [again, again]);
    await f.send(transport, [again, again]);
    await shop.database.transaction((tx) => shop.outbox.add(tx, happened({ id: 'five', n: 2 })));
    await eventually(async () => expect(await reader.effects()).toContain('five:2'));
    expect((await reader.effects()).filter((e) => e === 'five:1')).toHaveLength(1);
  });
}
