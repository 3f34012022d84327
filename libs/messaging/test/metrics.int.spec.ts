import type { Tx } from '@ballast/database';
import { deadLetterTopic, encode, event, type EventOf, PARTITIONS } from '@ballast/message';
import { testBrokers } from '@ballast/testing';
import { metricsText } from '@ballast/tracing';
import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { BrokerUnavailableError, Consume, kafkaClients, kafkaTransport, type Transport } from '../src/index.js';
import { Cleanup, eventually, freshDatabase, newTransport, sendSurely, serviceName, startService } from './harness.js';

const shop = serviceName();
const happened = event(`${shop}.happened.v1`, { key: (p) => p.key, payload: z.object({ key: z.string() }) });

@Injectable()
class Handlers {
  @Consume(happened)
  async on({ payload }: EventOf<typeof happened>, tx: Tx): Promise<void> {
    if (payload.key === 'poison') throw new Error('cannot handle this');
    await tx.query('INSERT INTO effect (name) VALUES ($1)', [payload.key]);
  }
}

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

/** The value of one series; undefined while it is not there. */
async function metric(series: string): Promise<number | undefined> {
  const line = (await metricsText()).split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

it('shows what is pending, what came twice and what was set aside, from 0 on', async () => {
  const { config, drop } = await freshDatabase();
  cleanup.add(drop);
  // The one below has its own connections: whatever it does, it does as itself.
  const kafka = newTransport();
  cleanup.add(() => kafka.close());
  let closed = true;
  const transport: Transport = Object.create(kafka, {
    send: {
      value: (records: Parameters<Transport['send']>[0]) =>
        closed ? Promise.reject(new BrokerUnavailableError('closed by the test')) : kafka.send(records),
    },
  });
  const service = await startService({
    name: shop,
    definitions: [happened],
    consumes: [happened],
    providers: [Handlers],
    config,
    transport,
  });
  cleanup.add(() => service.stop());
  const topic = happened.topic;
  const failed = `ballast_dead_letters_total{topic="${topic}",reason="HANDLER_FAILED"}`;
  const handled = `ballast_consumer_messages_total{type="${happened.type}",outcome="handled"}`;
  const published = `ballast_relay_published_total{topic="${topic}"}`;
  for (const series of [failed, handled, published, 'ballast_inbox_duplicates_total', 'ballast_outbox_pending'])
    expect([series, await metric(series)]).toEqual([series, 0]);

  await service.database.transaction((tx) => service.outbox.add(tx, happened({ key: 'waits' })));
  await eventually(async () => {
    expect(await metric('ballast_outbox_pending')).toBe(1);
    expect(await metric('ballast_outbox_oldest_seconds')).toBeGreaterThan(0);
  });
  closed = false;
  await eventually(async () => {
    expect([await metric(published), await metric(handled)]).toEqual([1, 1]);
    expect(await metric('ballast_outbox_pending')).toBe(0);
  });
  expect(await metricsText()).toMatch(new RegExp(`^ballast_consumer_lag\\{topic="${topic}",partition="\\d+"\\} 0$`, 'm'));

  const envelope = (key: string) => ({
    id: randomUUID(),
    source: '/t',
    type: happened.type,
    key,
    time: new Date(),
    payload: { key },
    trace: {},
  });
  const twice = encode(topic, envelope('twice'));
  await sendSurely(kafka, [twice, twice, encode(topic, envelope('poison'))]);
  await eventually(async () => {
    expect([await metric(failed), await metric('ballast_dead_letters_open')]).toEqual([1, 1]);
    expect(await metric('ballast_inbox_duplicates_total')).toBeGreaterThanOrEqual(1);
  });
});

it.each(kafkaClients)('%s shows that each partition of the topics in use, and of their dead letters, has its copies', async (client) => {
  const used = `${serviceName()}.events`;
  const unused = `${serviceName()}.events`;
  const open = (clientId: string) => {
    const transport = kafkaTransport({ brokers: testBrokers(), clientId, client });
    cleanup.add(() => transport.close());
    return transport;
  };
  const another = open('another');
  await another.connect([unused]);
  await another.close();
  await open('test').connect([used]);
  const counted = async (topic: string) =>
    Promise.all(
      ['in_sync', 'under_replicated', 'unwritable'].map((state) => metric(`ballast_topic_partitions{topic="${topic}",state="${state}"}`)),
    );
  await eventually(async () => {
    for (const topic of [used, deadLetterTopic(used)]) expect([topic, await counted(topic)]).toEqual([topic, [PARTITIONS, 0, 0]]);
  });
  expect(await counted(unused)).toEqual([undefined, undefined, undefined]);
});
