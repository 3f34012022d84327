import type { Tx } from '@ballast/database';
import { event, type EventOf } from '@ballast/message';

import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Consume } from '../src/index.js';
import { Cleanup, freshDatabase, newTransport, serviceName, startService, eventually, sendSurely } from './harness.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

describe('an event from a transaction to a handler', () => {
  const producer = serviceName();
  const happened = event(`${producer}.happened.v1`, { key: (p) => p.id, payload: z.object({ id: z.string(), n: z.int() }) });

  @Injectable()
  class Handlers {
    @Consume(happened)
    async on({ payload }: EventOf<typeof happened>, tx: Tx): Promise<void> {
      await tx.query('INSERT INTO effect (name) VALUES ($1)', [`${payload.id}:${payload.n}`]);
    }
  }

  async function twoServices() {
    const [a, b] = [await freshDatabase(), await freshDatabase()];
    cleanup.add(() => Promise.all([a.drop(), b.drop()]));
    const shop = await startService({ name: producer, definitions: [happened], config: a.config });
    cleanup.add(() => shop.stop());
    const reader = await startService({
      name: serviceName('reader'),
      definitions: [happened],
      consumes: [happened],
      providers: [Handlers],
      config: b.config,
    });
    cleanup.add(() => reader.stop());
    return { shop, reader };
  }

  it('arrives if and only if the transaction commits, in order per key under 16 concurrent writers', async () => {
    const { shop, reader } = await twoServices();
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
            const n = counters.get(key)! + 1;
            await shop.outbox.add(tx, happened({ id: key, n }));
            if (abort) throw new Error('rolled back');
            counters.set(key, n);
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
    for (const key of keys) {
      const numbers = effects.filter((e) => e.startsWith(`${key}:`)).map((e) => Number(e.split(':')[1]));
      expect(numbers).toEqual(Array.from({ length: counters.get(key)! }, (_, i) => i + 1));
    }
    await eventually(async () => expect(await shop.rows('SELECT 1 FROM outbox')).toHaveLength(0));
    expect(await reader.rows('SELECT 1 FROM dead_letter')).toHaveLength(0);
  });

  it('has one effect when it comes five times', async () => {
    const { shop, reader } = await twoServices();
    const transport = newTransport();
    cleanup.add(() => transport.close());
    await transport.connect([happened.topic]);
    await shop.database.transaction((tx) => shop.outbox.add(tx, happened({ id: 'five', n: 1 })));
    await eventually(async () => expect(await reader.effects()).toContain('five:1'));
    const [{ message_id: id }] = (await reader.rows<{ message_id: string }>(
      'SELECT message_id FROM inbox WHERE type = $1 ORDER BY received_at DESC LIMIT 1',
      [happened.type],
    )) as [{ message_id: string }];
    const record = {
      topic: happened.topic,
      key: 'five',
      value: JSON.stringify({ id: 'five', n: 1 }),
      headers: { ce_specversion: '1.0', ce_id: id, ce_source: '/x', ce_type: happened.type, ce_time: new Date().toISOString() },
    };
    await sendSurely(transport, [record, record]);
    await sendSurely(transport, [record, record]);
    await shop.database.transaction((tx) => shop.outbox.add(tx, happened({ id: 'five', n: 2 })));
    await eventually(async () => expect(await reader.effects()).toContain('five:2'));
    expect((await reader.effects()).filter((e) => e === 'five:1')).toHaveLength(1);
  });
});
