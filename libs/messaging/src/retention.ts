import { logger } from '@ballast/tracing';
import type { EntityManager } from 'typeorm';
import type { Clock } from './clock.js';

const DAY = 86_400_000;
/**
 * How long the inbox tells a message from its repetition: longer than a broker keeps it (3 days), with time for what comes again by hand.
 * A command that comes later than that is done again, so participants are idempotent by their own ids too.
 */
export const INBOX_RETENTION = 7 * DAY;
/** How long a settled intent can be looked at. */
export const INTENT_RETENTION = 7 * DAY;
const PERIOD = 10 * 60_000;
const BATCH = 1_000;

const OLD = {
  inbox: `SELECT ctid FROM inbox WHERE received_at < now() - $2 * interval '1 ms'`,
  intent: `SELECT ctid FROM intent WHERE state = 'DONE' AND done_at < now() - $2 * interval '1 ms'`,
};

/** Deletes what is past its retention, in batches that hold no lock for long, each a transaction of its own. Replicas share the work. */
export class Retention {
  constructor(
    private readonly database: { readonly primary: EntityManager; readonly available: boolean },
    private readonly clock: Clock,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.clock.sleep(PERIOD, signal);
      if (signal.aborted || !this.database.available) continue;
      await this.prune(signal).catch((error: unknown) => logger().debug({ reason: (error as Error).message }, 'nothing was pruned'));
    }
  }

  /** How many rows went, by table. */
  async prune(signal?: AbortSignal): Promise<{ inbox: number; intent: number }> {
    return {
      inbox: await this.pruneTable('inbox', INBOX_RETENTION, signal),
      intent: await this.pruneTable('intent', INTENT_RETENTION, signal),
    };
  }

  private async pruneTable(table: keyof typeof OLD, age: number, signal?: AbortSignal): Promise<number> {
    const sql = `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(${OLD[table]} LIMIT $1 FOR UPDATE SKIP LOCKED))`;
    let total = 0;
    for (let deleted = BATCH; deleted === BATCH && !signal?.aborted; total += deleted)
      [, deleted] = await this.database.primary.query<[unknown, number]>(sql, [BATCH, age]);
    return total;
  }
}
