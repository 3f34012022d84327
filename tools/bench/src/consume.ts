import type { Tx } from '@ballast/database';
import { encode, event, type EventOf } from '@ballast/message';
import { Consume } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { Consumer, Producer } from 'kafkajs';
import { z } from 'zod';
import type { Result } from './figures.js';
import { latencyBench } from './latency.js';
import { until } from './load.js';
import { FETCH, NOTE } from './messages.js';
import { compared, inTurns, type Scale } from './rounds.js';
import { startBenchService } from './service.js';
import type { Stage, Store } from './stage.js';

/** As the inbox has it. */
const CHUNK = 64;
const PARTITIONS_AT_ONCE = 4;
const EFFECT = `INSERT INTO effect (chain, step) VALUES ($1, $2)`;

const changed = event('stock.changed.v1', {
  key: (p) => p.account,
  payload: z.object({ account: z.string(), n: z.number(), note: z.string() }),
});
const RAW_BACKLOG = 'raw.backlog';

@Injectable()
class Stock {
  handled = 0;
  @Consume(changed)
  async on({ payload }: EventOf<typeof changed>, tx: Tx): Promise<void> {
    await tx.query(EFFECT, [payload.account, payload.n]);
    this.handled++;
  }
}

/** The receiving side: how fast a backlog is handled, each effect once, and how long after its commit a message is in its handler. */
export async function consumeBench(stage: Stage, scale: Scale): Promise<Omit<Result, 'seconds'>> {
  const backlog = scale.quick ? 2_000 : 20_000;
  const [store, rawStore] = [await stage.store('bench_inbox'), await stage.store('bench_raw')];
  await stage.topics([changed.topic, RAW_BACKLOG]);
  const producer = stage.client('bench-producer').producer({ allowAutoTopicCreation: false });
  await producer.connect();
  let [turns, handledBefore] = [0, 0];

  const inbox = async () => {
    await fill(producer, changed.topic, backlog);
    // Each turn is a service that starts: what it finds is a backlog. The clock begins with the first effect.
    const service = await startBenchService(stage, {
      name: 'stock',
      store,
      definitions: [changed],
      consumes: [changed],
      providers: [Stock],
    });
    try {
      const handlers = service.app.get(Stock);
      const rate = await timed('handling', backlog, () => handlers.handled);
      turns++;
      handledBefore = await effects(store);
      return rate;
    } finally {
      await service.stop();
    }
  };
  const raw = async () => {
    await fill(producer, RAW_BACKLOG, backlog);
    const pool = rawStore.pool(20);
    const consumer = stage.client('bench-raw').consumer({ groupId: 'bench-raw', ...FETCH });
    let handled = 0;
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [RAW_BACKLOG], fromBeginning: true });
      await runRaw(consumer, async (messages) => {
        const client = await pool.connect();
        try {
          await client.query('BEGIN');
          for (const { value } of messages) {
            const { account, n } = JSON.parse(value!.toString()) as { account: string; n: number };
            await client.query(EFFECT, [account, n]);
          }
          await client.query('COMMIT');
        } finally {
          client.release();
        }
        handled += messages.length;
      });
      return await timed('handling', backlog, () => handled);
    } finally {
      await consumer.disconnect();
      await pool.end();
    }
  };
  const handled = await inTurns(scale, `handle ${backlog.toLocaleString('en')} messages`, [
    ['inbox', inbox],
    ['kafkajs and a commit per 64', raw],
  ]);

  const latency = await latencyBench(stage, scale, { store, producer }).finally(() => producer.disconnect());
  return {
    name: 'consume',
    about: `A backlog is handled by the inbox, one row a message as its effect, and by kafkajs with the same statements and one commit for ${CHUNK} messages, ${PARTITIONS_AT_ONCE} partitions at once both. Then messages come at steady rates (open loop), and what is measured is the time from the acknowledged commit to the handler against the time from kafkajs' \`send\` to its consumer.`,
    measures: [
      compared(`handle ${backlog.toLocaleString('en')} messages`, 'messages/s', handled, { is: 'at least', bound: 0.6 }),
      ...latency.measures,
    ],
    ...{ curves: [], notes: latency.notes, lost: turns * backlog - handledBefore },
  };
}

async function effects(store: Store): Promise<number> {
  const pool = store.pool(1);
  const { rows } = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM effect');
  await pool.end();
  return rows[0]!.n;
}

/** Per second, from the first to the last of so many. */
async function timed(what: string, count: number, so: () => number): Promise<number> {
  await until(`${what} the first`, () => so() > 0);
  const [start, first] = [performance.now(), so()];
  await until(`${what} the last`, () => so() >= count, 300);
  return (count - first) / ((performance.now() - start) / 1_000);
}

async function fill(producer: Producer, topic: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const messages = Array.from({ length: Math.min(500, count - from) }, (_, i) => {
      const account = `account-${(from + i) % 1_000}`;
      const payload = { account, n: from + i, note: NOTE };
      const { key, value, headers } = encode(changed.topic, {
        ...{ id: randomUUID(), source: '/ballast/bench', type: changed.type, key: account, time: new Date(), payload, trace: {} },
      });
      return { key, value, headers };
    });
    await producer.sendBatch({ acks: -1, topicMessages: [{ topic, messages }] });
  }
}

/** As the adapter of the library consumes: by hand, several partitions at once, offsets after the commit. */
async function runRaw(consumer: Consumer, handle: (messages: { value: Buffer | null }[]) => Promise<void>): Promise<void> {
  await consumer.run({
    ...{ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: PARTITIONS_AT_ONCE },
    eachBatch: async ({ batch, resolveOffset, heartbeat, commitOffsetsIfNecessary, isRunning, isStale }) => {
      for (let from = 0; from < batch.messages.length && isRunning() && !isStale(); from += CHUNK) {
        const messages = batch.messages.slice(from, from + CHUNK);
        await handle(messages);
        resolveOffset(messages.at(-1)!.offset);
        const offset = String(BigInt(messages.at(-1)!.offset) + 1n);
        await commitOffsetsIfNecessary({ topics: [{ topic: batch.topic, partitions: [{ partition: batch.partition, offset }] }] });
        await heartbeat();
      }
    },
  });
}
