import type { Tx } from '@ballast/database';

/** An answer as it is kept under its key. */
export interface KeptAnswer {
  bodyHash: Buffer;
  status: number;
  body: unknown;
  headers: Record<string, string>;
}

/** Answers by the hash of their key, inside the transaction of the effect. */
export interface IdempotencyStore {
  /** Holds the key until the transaction ends; false at once while another one does. */
  tryLock(tx: Tx, scope: Buffer): Promise<boolean>;
  /** The answer, unless it has expired. */
  find(tx: Tx, scope: Buffer): Promise<KeptAnswer | undefined>;
  keep(tx: Tx, scope: Buffer, answer: KeptAnswer, forMs: number): Promise<void>;
}

/** For a simulator to give another one than that in the table `idempotency_key`. */
export const IDEMPOTENCY_STORE = Symbol('IDEMPOTENCY_STORE');

export const sqlIdempotencyStore: IdempotencyStore = {
  async tryLock(tx, scope) {
    const [lock] = await tx.query<[{ held: boolean }]>('SELECT pg_try_advisory_xact_lock($1) AS held', [scope.readBigInt64BE()]);
    return lock.held;
  },

  async find(tx, scope) {
    const [row] = await tx.query<{ body_hash: Buffer; status: number; body: unknown; headers: Record<string, string> }[]>(
      'SELECT body_hash, status, body, headers FROM idempotency_key WHERE scope = $1 AND expires_at > now()',
      [scope],
    );
    return row && { bodyHash: row.body_hash, status: row.status, body: row.body, headers: row.headers };
  },

  async keep(tx, scope, { bodyHash, status, body, headers }, forMs) {
    await tx.query(
      `INSERT INTO idempotency_key (scope, body_hash, status, body, headers, expires_at)
       VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 ms')
       ON CONFLICT (scope) DO UPDATE SET body_hash = excluded.body_hash, status = excluded.status, body = excluded.body,
         headers = excluded.headers, expires_at = excluded.expires_at`,
      [scope, bodyHash, status, JSON.stringify(body), JSON.stringify(headers), forMs],
    );
  },
};
