import type { Tx } from '@ballast/database';
import type { EntityManager } from 'typeorm';
import type { DeadLetterReason } from './incoming.js';

export const deadLetterStatuses = ['OPEN', 'REPLAYED', 'DISCARDED'] as const;
export type DeadLetterStatus = (typeof deadLetterStatuses)[number];

/** A dead letter as it is stored. */
export interface StoredLetter {
  id: string;
  topic: string;
  partition: number;
  offset: string;
  key: string;
  messageId: string | null;
  type: string | null;
  headers: Record<string, string>;
  payload: string;
  reason: DeadLetterReason;
  error: string;
  attempts: number;
  traceId: string | null;
  status: DeadLetterStatus;
  createdAt: Date;
  settledAt: Date | null;
  replayTraceId: string | null;
  note: string | null;
}

/** With its place among the letters of its key. */
export interface ListedLetter extends StoredLetter {
  /** The first open letter of its key, when this one waits behind it. */
  waitsFor: string | null;
  /** Open letters that wait behind this one. */
  behind: number;
}

export interface LetterFilter {
  status?: DeadLetterStatus;
  topic?: string;
  /** Those with a higher id. */
  after?: string;
  limit: number;
}

const COLUMNS = `d.id, d.topic, d.partition, d."offset", d.key, d.message_id AS "messageId", d.type, d.headers, d.payload, d.reason, d.error,
  d.attempts, d.trace_id AS "traceId", d.status, d.created_at AS "createdAt", d.settled_at AS "settledAt",
  d.replay_trace_id AS "replayTraceId", d.note`;

/** What of a parked key is open, in the order of its events. A record that could not be read at all parked nothing and is not among them. */
const OF_KEY = `status = 'OPEN' AND message_id IS NOT NULL AND topic = $1 AND key = $2`;

const LISTED = `
SELECT ${COLUMNS}, CASE WHEN d.status = 'OPEN' AND p.dead_letter_id < d.id THEN p.dead_letter_id END AS "waitsFor",
  CASE WHEN p.dead_letter_id = d.id THEN (
    SELECT count(*)::int FROM dead_letter b WHERE b.status = 'OPEN' AND b.message_id IS NOT NULL AND b.topic = d.topic AND b.key = d.key AND b.id > d.id
  ) ELSE 0 END AS behind
FROM dead_letter d LEFT JOIN parked_key p ON p.topic = d.topic AND p.key = d.key`;

/** Dead letters as operators work with them. */
export const sqlDeadLetterStore = {
  list(manager: EntityManager, { status, topic, after, limit }: LetterFilter): Promise<ListedLetter[]> {
    return manager.query(
      `${LISTED} WHERE ($1::text IS NULL OR d.status = $1) AND ($2::text IS NULL OR d.topic = $2) AND ($3::bigint IS NULL OR d.id > $3)
       ORDER BY d.id LIMIT $4`,
      [status ?? null, topic ?? null, after ?? null, limit],
    );
  },

  async find(manager: EntityManager, id: string): Promise<ListedLetter | undefined> {
    return (await manager.query<ListedLetter[]>(`${LISTED} WHERE d.id = $1`, [id]))[0];
  },

  /**
   * Locks a letter, and before it its key if that is parked. Consumers lock the key, too, before they set an event aside behind it:
   * so none is added to the letters of a key while somebody decides that they were the last.
   */
  async lock(tx: Tx, id: string): Promise<{ letter: StoredLetter; parked: boolean } | undefined> {
    const [key] = await tx.query<{ topic: string; key: string }[]>(`SELECT topic, key FROM dead_letter WHERE id = $1`, [id]);
    if (!key) return undefined;
    const parked = await tx.query<unknown[]>(`SELECT FROM parked_key WHERE topic = $1 AND key = $2 FOR UPDATE`, [key.topic, key.key]);
    const [letter] = await tx.query<StoredLetter[]>(`SELECT ${COLUMNS} FROM dead_letter d WHERE id = $1 FOR UPDATE`, [id]);
    return letter && { letter, parked: parked.length > 0 };
  },

  /** The first open letter of a key. */
  async first(tx: Tx, topic: string, key: string): Promise<string | undefined> {
    return (await tx.query<{ id: string }[]>(`SELECT id FROM dead_letter WHERE ${OF_KEY} ORDER BY id LIMIT 1`, [topic, key]))[0]?.id;
  },

  async waiting(tx: Tx, topic: string, key: string): Promise<number> {
    const [row] = await tx.query<[{ count: number }]>(`SELECT count(*)::int AS count FROM dead_letter WHERE ${OF_KEY}`, [topic, key]);
    return row.count;
  },

  async failedAgain(tx: Tx, id: string, reason: DeadLetterReason, error: string): Promise<void> {
    await tx.query(`UPDATE dead_letter SET attempts = attempts + 1, reason = $2, error = $3 WHERE id = $1`, [id, reason, error]);
  },

  async settle(
    tx: Tx,
    id: string,
    { status, traceId, note }: { status: 'REPLAYED' | 'DISCARDED'; traceId?: string | undefined; note?: string | undefined },
  ): Promise<void> {
    await tx.query(
      `UPDATE dead_letter SET status = $2, settled_at = now(), replay_trace_id = $3, note = $4,
         attempts = attempts + CASE WHEN $2 = 'REPLAYED' THEN 1 ELSE 0 END WHERE id = $1`,
      [id, status, traceId ?? null, note ?? null],
    );
  },

  /** The key waits for its first open letter from now on, or, when there is none, for nothing. */
  async moveUp(tx: Tx, topic: string, key: string, first: string | undefined): Promise<void> {
    if (first === undefined) await tx.query(`DELETE FROM parked_key WHERE topic = $1 AND key = $2`, [topic, key]);
    else await tx.query(`UPDATE parked_key SET dead_letter_id = $3 WHERE topic = $1 AND key = $2`, [topic, key, first]);
  },
};
