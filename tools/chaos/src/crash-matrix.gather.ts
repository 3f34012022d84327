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

  /**
   * Notes every row that a service writes into its outbox or inbox, inside its transaction. Ids follow the order of commits within a key: of an
   * outbox by its design, of an inbox because one consumer at a time handles a partition. The inboxes first: then each message that was seen
   * to be written is also seen to be handled.
   */
  async witness(): Promise<void> {
    const trigger = (table: string, columns: string, values: string) =>
      `CREATE SCHEMA IF NOT EXISTS witness;
       CREATE TABLE witness.${table} (${columns});
       CREATE FUNCTION witness.note_${table}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
       BEGIN
         INSERT INTO witness.${table} ${values};
         RETURN NULL;
       END $$;
       CREATE TRIGGER witness AFTER INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION witness.note_${table}()`;
    const inbox = trigger('inbox', 'id bigint GENERATED ALWAYS AS IDENTITY, message_id text', '(message_id) VALUES (NEW.message_id)');
    const outbox = trigger(
      'outbox',
      'id bigint, topic text, key text, message_id text',
      `VALUES (NEW.id, NEW.topic, NEW.key, NEW.headers ->> 'ce_id')`,
    );
    for (const text of [inbox, outbox]) for (const service of MESSAGING) await this.rows(service, text);
  }

  /** How long the oldest row of each outbox has been waiting, of the time since then (ms since 1970). */
  async waits(since: number): Promise<Evidence['waits']> {
    return this.each(
      `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - greatest(created_at, to_timestamp($1::float / 1000)))), 0)::float AS seconds
       FROM outbox WHERE parked_at IS NULL`,
      [since],
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

  async gather(told: Pick<Evidence, 'accepted' | 'refunds' | 'waits'>, initial: ReadonlyMap<string, number>): Promise<Evidence> {
    const skus = [...initial.keys()];
    const stock = await this.rows<{ sku: string; onHand: number; reserved: number }>(
      'inventory',
      'SELECT sku, on_hand AS "onHand", reserved FROM product WHERE sku = ANY ($1)',
      [skus],
    );
    // Written rows first, then topics: what is written meanwhile must not seem lost.
    const written = await this.each<Evidence['written'][number]>(
      'SELECT id::text AS id, topic, key, message_id AS "messageId" FROM witness.outbox',
    );
    const records = await this.records();
    return {
      ...told,
      written,
      records,
      orders: await this.rows('order', `SELECT id, status, (total ->> 'amount')::int AS total FROM orders`),
      sagas: await this.rows('order', 'SELECT id, status FROM saga'),
      payments: await this.rows('payment', 'SELECT id, order_id AS "orderId", status, captured::int, refunded::int FROM payment'),
      operations: await this.rows('psp', 'SELECT key, kind, state, target, reference, amount::int FROM operation'),
      ledger: await this.rows(
        'payment',
        'SELECT account, sum(debit)::int AS debit, sum(credit)::int AS credit FROM ledger_entry GROUP BY account',
      ),
      stock: stock.map((row) => ({ ...row, initial: initial.get(row.sku)! })),
      reservations: await this.rows('inventory', 'SELECT order_id AS "orderId", state FROM reservation'),
      carts: await this.rows('cart', 'SELECT id, status, order_id AS "orderId" FROM cart'),
      parkedRows: await this.each('SELECT id::text AS id FROM outbox WHERE parked_at IS NOT NULL'),
      inbox: await this.each('SELECT topic, type, message_id AS "messageId" FROM inbox'),
      received: await this.each('SELECT id::text AS id, message_id AS "messageId" FROM witness.inbox'),
      handled: this.handled(),
      deadLetters: await this.each('SELECT id::text AS id, reason FROM dead_letter'),
      parkedKeys: await this.each('SELECT key FROM parked_key'),
      intents: await this.rows('payment', `SELECT id, state FROM intent WHERE state <> 'DONE'`),
    };
  }

  /** When the message came into its topic, as far as the topics were read; ms since 1970. */
  published(messageId: string | undefined): number | undefined {
    return messageId === undefined ? undefined : this.times.get(messageId);
  }

  /** Of every service that has an outbox and an inbox. */
  private async each<T extends { service: string }>(text: string, values: unknown[] = []): Promise<T[]> {
    const of = async (service: string) => (await this.rows<T>(service, text, values)).map((row) => ({ ...row, service }));
    return (await Promise.all(MESSAGING.map(of))).flat();
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
