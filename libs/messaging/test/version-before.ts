import type { EntityManager } from 'typeorm';
import type { PendingRecord, RelayStore } from '../src/relay.store.js';

/** The statements of the version that knew one lane, as they were: what runs beside this version while it is rolled out, or back. */
const ACQUIRE = `
INSERT INTO outbox_lane AS l (lane, owner, epoch, lease_until) VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 ms')
ON CONFLICT (lane) DO UPDATE SET owner = excluded.owner, epoch = l.epoch + 1, lease_until = excluded.lease_until
WHERE l.owner = excluded.owner OR l.lease_until < clock_timestamp()
RETURNING epoch::text AS epoch`;
const PENDING = `SELECT id, topic, key, headers, payload AS value FROM outbox WHERE lane = $1 AND parked_at IS NULL ORDER BY id LIMIT $2`;
const REMOVE = `
WITH held AS MATERIALIZED (SELECT 1 FROM outbox_lane WHERE lane = $1 AND epoch = $2 FOR SHARE),
  gone AS (DELETE FROM outbox USING held WHERE id = ANY ($3::bigint[]))
SELECT count(*)::int AS held FROM held`;

export class StoreOfTheVersionBefore implements RelayStore {
  constructor(private readonly database: { readonly primary: EntityManager }) {}

  async acquire(lane: number, owner: string, leaseMs: number): Promise<string | undefined> {
    return (await this.database.primary.query<{ epoch: string }[]>(ACQUIRE, [lane, owner, leaseMs]))[0]?.epoch;
  }
  async renew(lane: number, epoch: string, leaseMs: number): Promise<boolean> {
    const [, renewed] = await this.database.primary.query<[unknown, number]>(
      `UPDATE outbox_lane SET lease_until = clock_timestamp() + $3 * interval '1 ms' WHERE lane = $1 AND epoch = $2`,
      [lane, epoch, leaseMs],
    );
    return renewed > 0;
  }
  async release(lane: number, epoch: string): Promise<void> {
    await this.database.primary.query(`UPDATE outbox_lane SET lease_until = '-infinity' WHERE lane = $1 AND epoch = $2`, [lane, epoch]);
  }
  async pending(lane: number, limit: number, except: readonly string[] = []): Promise<PendingRecord[]> {
    if (except.length) return [];
    const rows = await this.database.primary.query<(PendingRecord['record'] & { id: string })[]>(PENDING, [lane, limit]);
    return rows.map(({ id, ...record }) => ({ id, record }));
  }
  async remove(lane: number, epoch: string, ids: readonly string[]): Promise<boolean> {
    const [row] = await this.database.primary.query<[{ held: number }]>(REMOVE, [lane, epoch, ids]);
    return row.held > 0;
  }
  park(): Promise<boolean> {
    throw new Error('nothing is refused here');
  }
  backlog(): Promise<never> {
    throw new Error('nobody asks');
  }
}
