import type { Tx } from '@ballast/database';
import { encode, event, type EventOf } from '@ballast/message';
import { Consume } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { Consumer, Producer } from 'kafkajs';
import { z } from 'zod';
import { quantile, type Result } from './figures.js';
import { closedLoop, openLoop, until } from './load.js';
import { NOTE } from './messages.js';
import { compared, inTurns, inTurnsOf, type Scale, shown, warmUp } from './rounds.js';
import { startBenchService } from './service.js';
import type { Stage, Store } from './stage.js';

/** Of what is possible at most, at which the way from commit to handler is measured: a machine at work, without a queue. */
const SHARE = 0.3;
/** As the inbox has it. */
const CHUNK = 64;
const PARTITIONS_AT_ONCE = 4;
const FETCH = { sessionTimeout: 6_000, heartbeatInterval: 1_000, rebalanceTimeout: 6_000, maxWaitTimeInMs: 500 };
const EFFECT = `INSERT INTO effect (chain, step) VALUES ($1, $2)`;

const changed = event('stock.changed.v1', {
  key: (p) => p.account,
  payload: z.object({ account: z.string(), n: z.number(), note: z.string() }),
});
/** Its sender is also its reader. */
const probe = event('probe.sent.v1', { key: (p) => p.account, payload: z.object({ account: z.string(), note: z.string() }) });
const RAW = { backlog: 'raw.backlog', direct: 'raw.direct' };

@Injectable()
class Stock {
  handled = 0;
  @Consume(changed)
  async on({ payload }: EventOf<typeof changed>, tx: Tx): Promise<void> {
    await tx.query(EFFECT, [payload.account, payload.n]);
    this.handled++;
  }
}

@Injectable()
class Probe {
  readonly entered = new Map<string, number>();
  @Consume(probe)
  async on({ payload }: EventOf<typeof probe>): Promise<void> {
    this.entered.set(payload.account, performance.now());
  }
}

/** The receiving side: how fast a backlog is handled, each effect once, and how long after its commit a message is in its handler. */
export async function consumeBench(stage: Stage, scale: Scale): Promise<Omit<Result, 'seconds'>> {
  const backlog = scale.quick ? 2_000 : 20_000;
  const [store, rawStore] = [await stage.store('bench_inbox'), await stage.store('bench_raw')];
  await stage.topics([changed.topic, probe.topic, ...Object.values(RAW)]);
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
    await fill(producer, RAW.backlog, backlog);
    const pool = rawStore.pool(20);
    const consumer = stage.client('bench-raw').consumer({ groupId: 'bench-raw', ...FETCH });
    let handled = 0;
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [RAW.backlog], fromBeginning: true });
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

  const service = await startBenchService(stage, {
    ...{ name: 'probe', store, definitions: [probe], consumes: [probe], providers: [Probe] },
  });
  const delays: number[] = [];
  const direct = stage.client('bench-direct').consumer({ groupId: 'bench-direct', ...FETCH });
  try {
    await direct.connect();
    await direct.subscribe({ topics: [RAW.direct], fromBeginning: true });
    await direct.run({ eachMessage: async ({ message }) => void delays.push(performance.now() - Number(message.value!.toString())) });
    const { entered } = service.app.get(Probe);
    const write = async () => {
      const account = randomUUID();
      await service.database.transaction((tx) => service.outbox.add(tx, probe({ account, note: NOTE })));
      return { account, acknowledged: performance.now() };
    };
    const sendRaw = () =>
      producer.send({ topic: RAW.direct, acks: -1, messages: [{ key: randomUUID(), value: String(performance.now()) }] });
    await write();
    await sendRaw();
    await until('both ways being open', () => entered.size > 0 && delays.length > 0);

    // All that this process can do of it, its clients as well.
    const saturated = async () => {
      entered.clear();
      let written = 0;
      const start = performance.now();
      await closedLoop(16, scale.quick ? 1 : 3, () => write().then(() => written++));
      await until('the last message arriving', () => entered.size >= written);
      return written / ((performance.now() - start) / 1_000);
    };
    const full = Math.max(...(await warmUp(scale, 'commit to handler, 16 clients at once', saturated)));
    const rate = Math.max(10, Math.round(SHARE * full));
    const count = rate * (scale.quick ? 1 : 8);
    // The clock begins with the acknowledged commit; on the other side with the call of `send`.
    const ours = async () => {
      entered.clear();
      const written: Awaited<ReturnType<typeof write>>[] = [];
      await openLoop(rate, count, async () => void written.push(await write()));
      await until('the last message arriving', () => entered.size >= count);
      return quantiles(written.map(({ account, acknowledged }) => Math.max(0, entered.get(account)! - acknowledged)));
    };
    const theirs = async () => {
      delays.length = 0;
      await openLoop(rate, count, sendRaw);
      await until('the last message arriving', () => delays.length >= count);
      return quantiles(delays);
    };
    const { p50, p99 } = await inTurnsOf(scale, `commit to handler, ${rate}/s`, [
      ['outbox, relay, inbox', ours],
      ['kafkajs send to receive', theirs],
    ]);
    return {
      name: 'consume',
      about: `A backlog is handled by the inbox, one row a message as its effect, and by kafkajs with the same statements and one commit for ${CHUNK} messages, ${PARTITIONS_AT_ONCE} partitions at once both. Then messages come at 30 % of what is possible, a steady ${rate}/s (open loop), and what is measured is the time from the acknowledged commit to the handler against the time from kafkajs' \`send\` to its consumer.`,
      measures: [
        compared(`handle ${backlog.toLocaleString('en')} messages`, 'messages/s', handled, { is: 'at least', bound: 0.6 }),
        compared('commit to handler, p50', 'ms', p50, { is: 'at most', bound: 1.5 }),
        compared('commit to handler, p99', 'ms', p99, { is: 'at most', bound: 3 }),
      ],
      ...{ curves: [], lost: turns * backlog - handledBefore },
      notes: [
        `${rate}/s is ${SHARE * 100} % of the ${shown(full)} messages a second that get from 16 clients without a pause to the handler, with clients, relay and consumer in one process.`,
      ],
    };
  } finally {
    await direct.disconnect();
    await producer.disconnect();
    await service.stop();
  }
}

const quantiles = (values: readonly number[]) => ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99) });

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
