import { setTimeout as sleep } from 'node:timers/promises';
import { logger, withContext } from '@ballast/tracing';
import { isUnavailable } from './classify.js';
import { NoPrimaryError } from './errors.js';
import { pruned } from './metrics.js';
import type { Tx } from './tx.js';

/** What of a table may go, and when. Names and expressions are code, never input. */
export interface RetentionRule {
  table: string;
  /** The column, with an index, by which rows grow old. */
  since: string;
  /** Milliseconds after `since` that a row is kept. 0: `since` itself is when it expires. */
  keep: number;
  /** An SQL condition for what may go at all. */
  where?: string;
  /** Rows in one transaction: fewer than the 1,000 of the default where each takes others with it. */
  batch?: number;
  /** SQL that keeps something of what goes, which it finds in `gone`: `INSERT INTO … SELECT … FROM gone`. In the same transaction. */
  keeping?: string;
}

/** The part of `Database` that this needs. */
export interface Prunable {
  readonly available: boolean;
  transaction<T>(work: (tx: Tx) => Promise<T>, options?: { attempts?: number }): Promise<T>;
}

const EVERY = 60_000;
const BATCH = 1_000;
/** Two integers: a space of its own among advisory locks, beside those of 64 bits that keys are hashed to. */
const LOCK = 'pg_try_advisory_xact_lock(1918985326, 1)';

/** Deletes the oldest first as far as the index gives them; what somebody holds locked waits for the next round. */
export const pruneStatement = ({ table, since, where, keeping }: RetentionRule): string => `
WITH gone AS (
  DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ${table} WHERE ${since} <= now() - $2 * interval '1 ms'${where ? ` AND (${where})` : ''} LIMIT $1 FOR UPDATE SKIP LOCKED
  )) RETURNING *
)${keeping ? `, kept AS (${keeping})` : ''}
SELECT count(*)::int AS count FROM gone`;

/**
 * Deletes what tables need no longer, by the rules that libraries and services add: every minute, in transactions of 1,000 rows at
 * most with a rest as long as the work between them, on one replica at a time.
 */
export class Retention {
  private readonly added: RetentionRule[] = [];
  private running?: Promise<void>;

  constructor(
    private readonly database: Prunable,
    private readonly closing: AbortSignal,
    private readonly every = EVERY,
  ) {}

  get rules(): readonly RetentionRule[] {
    return this.added;
  }

  add(...rules: readonly RetentionRule[]): void {
    for (const { table } of rules) pruned().inc({ table }, 0);
    this.added.push(...rules);
    // It belongs to nobody's trace.
    this.running ??= withContext({}, () => this.run());
  }

  /**
   * One round. Gives how many rows went, by table; a table that another replica is at is left to it. Rejects with the first failure,
   * after every rule had its turn.
   */
  async prune(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    const failures: unknown[] = [];
    for (const rule of this.added)
      try {
        counts[rule.table] = (counts[rule.table] ?? 0) + (await this.pruneBy(rule));
      } catch (error) {
        failures.push(error);
      }
    if (failures.length) throw failures[0];
    return counts;
  }

  /** Resolves when the round at work has ended, once the database closes. */
  async stopped(): Promise<void> {
    await this.running;
  }

  private async pruneBy(rule: RetentionRule): Promise<number> {
    const { table, keep, batch = BATCH } = rule;
    const sql = pruneStatement(rule);
    for (let total = 0; ;) {
      const began = performance.now();
      const count = await this.database.transaction(async (tx) => {
        const [{ mine }] = await tx.query<[{ mine: boolean }]>(`SELECT ${LOCK} AS mine`);
        if (!mine) return 0;
        const [row] = await tx.query<[{ count: number }]>(sql, [batch, keep]);
        return row.count;
      });
      pruned().inc({ table }, count);
      total += count;
      if (count < batch || this.closing.aborted) return total;
      await this.rest(performance.now() - began);
    }
  }

  private async run(): Promise<void> {
    while (!this.closing.aborted) {
      // Spread, so that replicas that started together do not ask together.
      await this.rest(this.every * (0.75 + Math.random() / 2));
      if (this.closing.aborted || !this.database.available) continue;
      await this.prune().catch((error: unknown) => {
        if (!isUnavailable(error) && !(error instanceof NoPrimaryError)) logger().warn({ err: error }, 'old rows could not be deleted');
      });
    }
  }

  private async rest(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.closing, ref: false }).catch(() => undefined);
  }
}
