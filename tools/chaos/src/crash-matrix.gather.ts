import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import type { Cluster } from '@ballast/cluster';
import type { Drill, Evidence } from '@ballast/e2e';
import { Kafka, logLevel } from 'kafkajs';

const MESSAGING = ['cart', 'inventory', 'order', 'payment'];

/** Reads what is there, past every service: tables as the superuser, topics with a client of its own, logs from their files. */
export class Evidences {
  /** When a message was first in its topic, ms since 1970. */
  private readonly times = new Map<string, number>();

  constructor(
    private readonly cluster: Cluster,
    private readonly drill: Drill,
    /** Log files, by service; those of another instance beside its own. */
    private readonly logs: () => [service: string, file: string][],
  ) {}

  /** Copies every row that a service writes into its outbox, inside its transaction: ids follow the order of commits within a key. */
  async witness(): Promise<void> {
    for (const service of MESSAGING)
      await this.rows(
        service,
        `CREATE SCHEMA IF NOT EXISTS witness;
         CREATE TABLE IF NOT EXISTS witness.written (id bigint, topic text, key text, message_id text);
         CREATE OR REPLACE FUNCTION witness.copy() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
         BEGIN
           INSERT INTO witness.written VALUES (NEW.id, NEW.topic, NEW.key, NEW.headers ->> 'ce_id');
           RETURN NULL;
         END $$;
         CREATE OR REPLACE TRIGGER witness AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION witness.copy()`,
      );
  }

  /** What is still on its way; nothing when the platform is quiet. */
  async unfinished(): Promise<string[]> {
    const count = async (what: string, service: string, from: string): Promise<string[]> => {
      const [row] = await this.rows<{ n: number }>(service, `SELECT count(*)::int AS n FROM ${from}`);
      return row?.n ? [`${row.n} ${what} of ${service}`] : [];
    };
    const found = [
      ...MESSAGING.map((service) => count('outbox rows', service, 'outbox')),
      count('sagas', 'order', 'saga WHERE finished_at IS NULL'),
      count('calls', 'payment', `intent WHERE state <> 'DONE'`),
      count('carts', 'cart', `cart WHERE status = 'CHECKING_OUT'`),
    ];
    return (await Promise.all(found)).flat();
  }

  async gather(told: Pick<Evidence, 'accepted' | 'refunds'>, initial: ReadonlyMap<string, number>): Promise<Evidence> {
    const each = async <T extends object>(text: string, services = MESSAGING) =>
      (await Promise.all(services.map(async (service) => (await this.rows<T>(service, text)).map((row) => ({ service, ...row }))))).flat();
    const skus = [...initial.keys()];
    const stock = await this.rows<{ sku: string; onHand: number; reserved: number }>(
      'inventory',
      'SELECT sku, on_hand AS "onHand", reserved FROM product WHERE sku = ANY ($1)',
      [skus],
    );
    // Written rows first, then topics: what is written meanwhile must not seem lost.
    const written = await each<Omit<Evidence['written'][number], 'service'>>(
      'SELECT id::text AS id, topic, key, message_id AS "messageId" FROM witness.written',
    );
    const records = await this.records();
    return {
      ...told,
      written,
      records,
      orders: await this.rows('order', `SELECT id, status, (total ->> 'amount')::int AS total FROM orders`),
      sagas: await this.rows('order', 'SELECT id, status FROM saga'),
      payments: await this.rows('payment', 'SELECT id, order_id AS "orderId", captured::int, refunded::int FROM payment'),
      operations: await this.rows('psp', 'SELECT key, kind, state, target, reference, amount::int FROM operation'),
      ledger: await this.rows(
        'payment',
        'SELECT account, sum(debit)::int AS debit, sum(credit)::int AS credit FROM ledger_entry GROUP BY account',
      ),
      stock: stock.map((row) => ({ ...row, initial: initial.get(row.sku)! })),
      reservations: await this.rows('inventory', 'SELECT order_id AS "orderId", state FROM reservation'),
      carts: await this.rows('cart', 'SELECT id, status, order_id AS "orderId" FROM cart'),
      outbox: await each(
        `SELECT id::text AS id, extract(epoch FROM clock_timestamp() - created_at)::float AS age, parked_at IS NOT NULL AS parked FROM outbox`,
      ),
      inbox: await each('SELECT topic, type, message_id AS "messageId" FROM inbox'),
      handled: this.handled(),
      deadLetters: await each('SELECT id::text AS id, reason FROM dead_letter'),
      parkedKeys: await each('SELECT key FROM parked_key'),
      intents: await this.rows('payment', `SELECT id, state FROM intent WHERE state <> 'DONE'`),
    };
  }

  /** When the message came into its topic, as far as the topics were read; ms since 1970. */
  published(messageId: string | undefined): number | undefined {
    return messageId === undefined ? undefined : this.times.get(messageId);
  }

  private async rows<T = Record<string, unknown>>(database: string, text: string, values: unknown[] = []): Promise<T[]> {
    return (await this.drill.query('primary', database, text, values)) as T[];
  }

  /** Every record that is there now, in the order of its partition. */
  private async records(): Promise<Evidence['records']> {
    const kafka = new Kafka({ brokers: [...this.cluster.kafka.brokers], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    const consumer = kafka.consumer({ groupId: `crash-matrix-${randomUUID()}` });
    const found: Evidence['records'] = [];
    await Promise.all([admin.connect(), consumer.connect()]);
    try {
      const topics = (await admin.listTopics()).filter((topic) => /\.(events|commands|replies)$/.test(topic));
      const missing = new Map<string, bigint>();
      for (const topic of topics)
        for (const { partition, high, low } of await admin.fetchTopicOffsets(topic))
          if (BigInt(high) > BigInt(low)) missing.set(`${topic}/${partition}`, BigInt(high) - 1n);
      await consumer.subscribe({ topics, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
        if (missing.size === 0) return resolve();
        void consumer.run({
          autoCommit: false,
          eachMessage: async ({ topic, partition, message }) => {
            const { key, headers = {}, offset, timestamp } = message;
            const header = (name: string) => headers[name]?.toString() ?? '';
            found.push({ topic, partition, offset, key: key?.toString() ?? '', messageId: header('ce_id'), type: header('ce_type') });
            if (!this.times.has(header('ce_id'))) this.times.set(header('ce_id'), Number(timestamp));
            const last = missing.get(`${topic}/${partition}`);
            if (last !== undefined && BigInt(offset) >= last) missing.delete(`${topic}/${partition}`);
            if (missing.size === 0) resolve();
          },
        });
      });
    } finally {
      await Promise.allSettled([consumer.disconnect(), admin.disconnect()]);
    }
    return found;
  }

  /** A line is written after its commit: a crash between the two hides one, none is there too often. */
  private handled(): Evidence['handled'] {
    return this.logs().flatMap(([service, file]) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.includes('"msg":"message"') && /"outcome":"(handled|refused)"/.test(line))
        .flatMap((line) => {
          const messageId = /"messageId":"([^"]+)"/.exec(line)?.[1];
          return messageId ? [{ service, messageId }] : [];
        }),
    );
  }
}
