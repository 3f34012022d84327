import { prepared, queryAtOnce, type Tx } from '@ballast/database';
import type { Reply } from '@ballast/message';

export interface DeadLetter {
  topic: string;
  partition: number;
  offset: string;
  key: string;
  messageId?: string;
  type?: string;
  headers: Record<string, string>;
  payload: string;
  reason: string;
  error: string;
  attempts: number;
  traceId?: string;
}

/** The receiving side's tables, inside the transaction of the effect. */
export interface InboxStore {
  /** Notes the messages as received. Gives the ids that were not there before, and which of the keys are parked in the topic. */
  claim(
    tx: Tx,
    topic: string,
    messages: readonly { id: string; type: string }[],
    keys: readonly string[],
  ): Promise<{ fresh: Set<string>; parked: Set<string> }>;
  /** The answers that were given to commands, by command id. */
  replies(tx: Tx, commandIds: readonly string[]): Promise<Map<string, Reply>>;
  /** Keeps answers, to be given again when a command comes again. */
  keepReplies(tx: Tx, replies: ReadonlyMap<string, Reply>): Promise<void>;
  /** The dead letter's id; undefined when this very record has one already. */
  bury(tx: Tx, letter: DeadLetter): Promise<string | undefined>;
  /** Later events of this key in this topic are to wait. */
  parkKey(tx: Tx, topic: string, key: string, deadLetterId: string): Promise<void>;
}

const CLAIM = prepared(`
INSERT INTO inbox (message_id, type, topic) SELECT id, type, $1 FROM unnest($2::text[], $3::text[]) AS m (id, type)
ON CONFLICT DO NOTHING RETURNING message_id`);

/**
 * A statement of its own, after the claim: that one may have waited for another consumer that was parking the key, and what it waited
 * for is visible only to a later statement. FOR SHARE: an operator's replay holds the key while it handles the last letter and releases
 * it; what comes meanwhile waits for that, and is then handled, instead of being set aside behind a letter that is none any more.
 */
const PARKED = prepared(`SELECT key FROM parked_key WHERE topic = $1 AND key = ANY ($2::text[]) FOR SHARE`);

const KEEP_REPLIES = prepared(
  `UPDATE inbox SET reply = given.reply FROM unnest($1::text[], $2::jsonb[]) AS given (id, reply) WHERE inbox.message_id = given.id`,
);

export const sqlInboxStore: InboxStore = {
  async claim(tx, topic, messages, keys) {
    const [claimed, parked = []] = await queryAtOnce<[{ message_id: string }[], { key: string }[]?]>(tx, [
      { text: CLAIM, values: [topic, messages.map((m) => m.id), messages.map((m) => m.type)] },
      ...(keys.length ? [{ text: PARKED, values: [topic, keys] }] : []),
    ]);
    return { fresh: new Set(claimed.map((row) => row.message_id)), parked: new Set(parked.map((row) => row.key)) };
  },

  async replies(tx, commandIds) {
    const rows = await tx.query<{ message_id: string; reply: Reply }[]>(
      `SELECT message_id, reply FROM inbox WHERE message_id = ANY ($1::text[]) AND reply IS NOT NULL`,
      [commandIds],
    );
    return new Map(rows.map((row) => [row.message_id, row.reply]));
  },

  async keepReplies(tx, replies) {
    await tx.query(KEEP_REPLIES, [[...replies.keys()], [...replies.values()].map((reply) => JSON.stringify(reply))]);
  },

  async bury(tx, letter) {
    const rows = await tx.query<{ id: string }[]>(
      `INSERT INTO dead_letter (topic, partition, "offset", key, message_id, type, headers, payload, reason, error, attempts, trace_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING RETURNING id`,
      [
        ...[letter.topic, letter.partition, letter.offset, letter.key, letter.messageId ?? null, letter.type ?? null],
        ...[JSON.stringify(letter.headers), letter.payload, letter.reason, letter.error, letter.attempts, letter.traceId ?? null],
      ],
    );
    return rows[0]?.id;
  },

  async parkKey(tx, topic, key, deadLetterId) {
    await tx.query(`INSERT INTO parked_key (topic, key, dead_letter_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, [
      topic,
      key,
      deadLetterId,
    ]);
  },
};
