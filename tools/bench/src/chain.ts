import { randomUUID } from 'node:crypto';
import type { Consumer } from 'kafkajs';
import type { Pool } from 'pg';
import { quantile } from './figures.js';
import { openLoop, until } from './load.js';
import type { Stage } from './stage.js';

/**
 * What a checkout cannot do without, and nothing else: nine messages, one after the other, and twelve commits (the cart's, one for each message, one more
 * for each of the two answers of the card processor). On pg and kafkajs alone, in one process, each message by itself as `eachMessage` has it:
 * no outbox, no inbox, no HTTP. It promises nothing: a crash between commit and send loses the order.
 */
const HOPS = 9;
/** After these the processor's answer is written: authorise, capture. */
const ANSWERED = new Set([4, 6]);
/** Which of four services reads a hop: order, inventory, order, payment, order, payment, order, inventory, order. */
const READERS = ['order', 'inventory', 'order', 'payment', 'order', 'payment', 'order', 'inventory', 'order'] as const;

export class Chain {
  private readonly waiting = new Map<string, () => void>();
  private readonly consumers: Consumer[] = [];
  private constructor(
    private readonly pool: Pool,
    private readonly send: (hop: number, id: string) => Promise<unknown>,
    private readonly undo: () => Promise<void>,
  ) {}

  static async open(stage: Stage): Promise<Chain> {
    const prefix = `chain-${randomUUID().slice(0, 8)}`;
    const topics = Array.from({ length: HOPS }, (_, n) => `${prefix}.hop${n + 1}`);
    await stage.topics(topics);
    const pool = (await stage.store('bench_chain')).pool(20);
    const producer = stage.client(prefix).producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const body = JSON.stringify({ note: 'x'.repeat(200) });
    const send = (hop: number, id: string) => producer.send({ topic: topics[hop - 1]!, acks: -1, messages: [{ key: id, value: body }] });
    const chain = new Chain(pool, send, async () => {
      await Promise.all(chain.consumers.map((consumer) => consumer.disconnect()));
      await producer.disconnect();
      await pool.end();
    });
    for (const service of new Set(READERS)) {
      const consumer = stage.client(prefix).consumer({ groupId: `${prefix}-${service}`, maxWaitTimeInMs: 500 });
      await consumer.connect();
      await consumer.subscribe({ topics: topics.filter((_, n) => READERS[n] === service), fromBeginning: true });
      await consumer.run({
        partitionsConsumedConcurrently: 12,
        eachMessage: ({ topic, message }) => chain.handle(topics.indexOf(topic) + 1, message.key!.toString()),
      });
      chain.consumers.push(consumer);
    }
    await chain.checkout();
    return chain;
  }

  /** Resolves when the last commit is acknowledged. */
  async checkout(): Promise<void> {
    const id = randomUUID();
    const done = new Promise<void>((resolve) => this.waiting.set(id, resolve));
    await this.commit(id, 0);
    await this.send(1, id);
    await done;
  }

  /** At a steady rate: p50 and p99 of the way from its due time to its end, ms. */
  async latencies(rate: number, count: number): Promise<{ p50: number; p99: number }> {
    const took: number[] = [];
    await openLoop(rate, count, async (_, due) => {
      await this.checkout();
      took.push(performance.now() - due);
    });
    await until('the last checkout', () => took.length === count);
    return { p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
  }

  async close(): Promise<void> {
    await this.undo();
  }

  private async handle(hop: number, id: string): Promise<void> {
    await this.commit(id, hop);
    if (ANSWERED.has(hop)) await this.commit(id, -hop);
    if (hop < HOPS) await this.send(hop + 1, id);
    else {
      this.waiting.get(id)?.();
      this.waiting.delete(id);
    }
  }

  private async commit(id: string, step: number): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('INSERT INTO effect (chain, step) VALUES ($1, $2)', [id, step]);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  }
}
