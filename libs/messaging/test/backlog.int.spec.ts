import type { Tx } from '@ballast/database';
import { encode, event, type EventOf, PARTITIONS } from '@ballast/message';
import { Injectable } from '@nestjs/common';
import { Kafka } from 'kafkajs';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Consume } from '../src/index.js';
import { Cleanup, eventually, freshDatabase, newTransport, sendSurely, serviceName, startService } from './harness.js';

const shop = serviceName();
const happened = event(`${shop}.happened.v1`, { key: (p) => p.key, payload: z.object({ key: z.string() }) });

/** A chunk of 64 takes 2.5 s: with a backlog on twelve partitions and four at a time, a round is longer than the rebalance time-out. */
const EACH = 40;
const KEYS = 120;
const OF_EACH_KEY = 20;

@Injectable()
class SlowHandlers {
  handled = 0;
  @Consume(happened)
  async on({ payload }: EventOf<typeof happened>, tx: Tx): Promise<void> {
    this.handled++;
    await tx.query('INSERT INTO effect (name) SELECT $1 FROM pg_sleep($2)', [payload.key, EACH / 1_000]);
  }
}

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

/** The member ids of all that joined the group, again and again for those that did so more than once. */
const joins: string[] = [];
beforeAll(() => {
  const original = Kafka.prototype.consumer;
  jest.spyOn(Kafka.prototype, 'consumer').mockImplementation(function (this: Kafka, config) {
    const consumer = original.call(this, config);
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => joins.push(payload.memberId));
    return consumer;
  });
});

it('a second member joins beside a backlog: one rebalance, nobody thrown out, every effect once', async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  const sender = newTransport('sender');
  cleanup.add(() => sender.close());
  await sender.connect([happened.topic]);
  const records = Array.from({ length: KEYS * OF_EACH_KEY }, (_, i) => {
    const key = `k${i % KEYS}`;
    return encode(happened.topic, {
      id: randomUUID(),
      source: '/test',
      type: happened.type,
      key,
      time: new Date(),
      payload: { key },
      trace: {},
    });
  });
  await sendSurely(sender, records);

  const start = async (instanceId: string) => {
    const transport = newTransport(instanceId);
    const options = { name: shop, definitions: [happened], consumes: [happened], providers: [SlowHandlers], config, transport, instanceId };
    const service = await startService(options);
    cleanup.add(() => service.stop());
    return service;
  };
  const first = await start('one');
  await eventually(() => expect(first.app.get(SlowHandlers).handled).toBeGreaterThan(PARTITIONS));
  const second = await start('two');
  await eventually(() => expect(second.app.get(SlowHandlers).handled).toBeGreaterThan(0));
  const effects = await eventually(
    async () => {
      const all = await first.effects();
      expect(all.length).toBeGreaterThanOrEqual(records.length);
      return all;
    },
    { timeout: 100_000, interval: 500 },
  );
  expect(effects).toHaveLength(records.length);
  // Who is thrown out comes back by another id.
  expect(new Set(joins).size).toBe(2);
  // The first one's, and one of each when the second comes; one more is no sign of trouble on a busy machine.
  expect(joins.length).toBeLessThanOrEqual(4);
}, 180_000);
