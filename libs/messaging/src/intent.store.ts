import type { EntityManager } from 'typeorm';
import { prepared, type Tx } from '@ballast/database';
import type { ReplyAddress } from './reply-address.js';

export interface NewIntent {
  id: string;
  kind: string;
  payload: unknown;
  /** Who awaits the outcome; absent when nobody does. */
  reply?: ReplyAddress;
  trace: Record<string, string>;
  runAt?: Date;
  /** Claimed from the beginning, for so long, as its first attempt: its transaction's own process performs it after the commit. */
  holdMs?: number;
}

/** An intent that this process holds for a while. `attempt` counts up with each claim and fences every write made under it. */
export interface ClaimedIntent {
  id: string;
  kind: string;
  payload: unknown;
  reply?: ReplyAddress;
  trace: Record<string, string>;
  attempt: number;
}

export interface IntentStore {
  add(tx: Tx, intent: NewIntent): Promise<void>;
  /** Takes up to `limit` due intents for `holdMs`; those another process holds are passed over. */
  claim(kind: string, limit: number, holdMs: number): Promise<ClaimedIntent[]>;
  /**
   * Gives up the claims of this owner but those that are at work: what an earlier process left behind, and what was claimed by a statement
   * whose answer was lost. Needs no other to be alive.
   */
  takeBack(kind: string, atWork: readonly string[]): Promise<void>;
  /** Marks it done: `settled`, or `already` by this very claim (its COMMIT answer was lost), or `lost` to a later claim. */
  settle(tx: Tx, claim: ClaimedIntent): Promise<'settled' | 'already' | 'lost'>;
  /** Gives it back for a later attempt; nothing happens when the claim was lost or settled meanwhile. */
  postpone(claim: ClaimedIntent, delayMs: number, error: string): Promise<void>;
  /** Makes those that were postponed for longer due within this time, each at a moment of its own. */
  bringForward(kind: string, withinMs: number): Promise<void>;
  /** Per kind with something open: how many, and for how long the oldest has been due. */
  open(): Promise<{ kind: string; count: number; oldestSeconds: number }[]>;
}

interface IntentRow {
  id: string;
  kind: string;
  payload: unknown;
  reply: ReplyAddress | null;
  trace: Record<string, string>;
  attempts: number;
}

/** Times are the database's, so that processes need not agree on theirs. */
const ADD = prepared(`
INSERT INTO intent (id, kind, payload, reply, trace, run_at, state, attempts, claimed_by, claimed_until)
VALUES ($1, $2, $3, $4, $5, coalesce($6, now()), CASE WHEN $7::int IS NULL THEN 'PENDING' ELSE 'RUNNING' END, ($7::int IS NOT NULL)::int,
  CASE WHEN $7::int IS NOT NULL THEN $8::text END, clock_timestamp() + $7::int * interval '1 ms')`);

const CLAIM = prepared(`
UPDATE intent SET state = 'RUNNING', attempts = attempts + 1, claimed_by = $4, claimed_until = clock_timestamp() + $3 * interval '1 ms'
WHERE id IN (
  SELECT id FROM intent
  WHERE kind = $1 AND state <> 'DONE' AND run_at <= clock_timestamp() AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
  ORDER BY run_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING id, kind, payload, reply, trace, attempts`);

const SETTLE = prepared(
  `UPDATE intent SET state = 'DONE', done_at = now(), claimed_until = NULL WHERE id = $1 AND attempts = $2 AND state = 'RUNNING'`,
);

const POSTPONE = `
UPDATE intent SET state = 'PENDING', claimed_until = NULL, last_error = $4, run_at = clock_timestamp() + $3 * interval '1 ms'
WHERE id = $1 AND attempts = $2 AND state = 'RUNNING'`;

const BRING_FORWARD = `
UPDATE intent SET run_at = clock_timestamp() + random() * $2 * interval '1 ms'
WHERE kind = $1 AND state = 'PENDING' AND attempts > 0 AND run_at > clock_timestamp() + $2 * interval '1 ms'`;

export class SqlIntentStore implements IntentStore {
  /** `owner`: unique among the replicas of the service, the same after a restart. */
  constructor(
    private readonly database: { readonly primary: EntityManager },
    private readonly owner: string,
  ) {}

  async add(tx: Tx, intent: NewIntent): Promise<void> {
    await tx.query(ADD, [
      ...[intent.id, intent.kind, JSON.stringify(intent.payload), intent.reply ? JSON.stringify(intent.reply) : null],
      ...[JSON.stringify(intent.trace), intent.runAt ?? null, intent.holdMs ?? null, this.owner],
    ]);
  }

  async claim(kind: string, limit: number, holdMs: number): Promise<ClaimedIntent[]> {
    const [rows] = await this.database.primary.query<[IntentRow[], number]>(CLAIM, [kind, limit, holdMs, this.owner]);
    return rows.map(({ attempts, reply, ...row }) => ({ ...row, attempt: attempts, ...(reply && { reply }) }));
  }

  async takeBack(kind: string, atWork: readonly string[]): Promise<void> {
    await this.database.primary.query(
      `UPDATE intent SET claimed_until = NULL
       WHERE kind = $1 AND claimed_by = $2 AND state = 'RUNNING' AND claimed_until IS NOT NULL AND id <> ALL ($3)`,
      [kind, this.owner, atWork],
    );
  }

  async settle(tx: Tx, { id, attempt }: ClaimedIntent): Promise<'settled' | 'already' | 'lost'> {
    const [, settled] = await tx.query<[unknown, number]>(SETTLE, [id, attempt]);
    if (settled) return 'settled';
    const mine = await tx.query<unknown[]>(`SELECT 1 FROM intent WHERE id = $1 AND attempts = $2 AND state = 'DONE'`, [id, attempt]);
    return mine.length ? 'already' : 'lost';
  }

  async postpone({ id, attempt }: ClaimedIntent, delayMs: number, error: string): Promise<void> {
    await this.database.primary.query(POSTPONE, [id, attempt, delayMs, error]);
  }

  async bringForward(kind: string, withinMs: number): Promise<void> {
    await this.database.primary.query(BRING_FORWARD, [kind, withinMs]);
  }

  async open(): Promise<{ kind: string; count: number; oldestSeconds: number }[]> {
    return this.database.primary.query(`
      SELECT kind, count(*)::int AS count, greatest(0, extract(epoch FROM clock_timestamp() - min(created_at)))::float AS "oldestSeconds"
      FROM intent WHERE state <> 'DONE' GROUP BY kind`);
  }
}
