import type { WireRecord } from '@ballast/message';
import type { EntityManager } from 'typeorm';

export interface PendingRecord {
  id: string;
  record: WireRecord;
}

/** The reading side of the outbox. A lane has one owner at a time; `epoch` counts its owners and fences what an earlier one still writes. */
export interface RelayStore {
  /** The new epoch; undefined while another owner's lease runs. An owner takes its own lease back at once, as after a crash. */
  acquire(lane: number, owner: string, leaseMs: number): Promise<string | undefined>;
  /** False when the lane has another epoch by now. */
  renew(lane: number, epoch: string, leaseMs: number): Promise<boolean>;
  release(lane: number, epoch: string): Promise<void>;
  /** In order of id, up to `limit` and about 900 KB (at least one), without the keys that a parked record blocks. */
  pending(lane: number, limit: number): Promise<PendingRecord[]>;
  /** Deletes what was sent. False, and nothing deleted, when the lane has another epoch by now. */
  remove(lane: number, epoch: string, ids: readonly string[]): Promise<boolean>;
  /** Sets a record aside with its error. False, and nothing parked, when the lane has another epoch by now. */
  park(lane: number, epoch: string, id: string, error: string): Promise<boolean>;
  /** What waits to be sent, what is set aside, and for how long the oldest has waited. */
  backlog(): Promise<{ pending: number; parked: number; oldestSeconds: number }>;
}

/** A broker's limit counts a whole record batch, 1 MB by default: this much in all can be too much for no partition. */
const BATCH_BYTES = 900_000;
/** CloudEvents headers, trace context and Kafka's own framing, per record. */
const OVERHEAD_BYTES = 700;

/** The lease runs on the database's clock, so owners need not agree on theirs. */
const ACQUIRE = `
INSERT INTO outbox_lane AS l (lane, owner, epoch, lease_until) VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 ms')
ON CONFLICT (lane) DO UPDATE SET owner = excluded.owner, epoch = l.epoch + 1, lease_until = excluded.lease_until
WHERE l.owner = excluded.owner OR l.lease_until < clock_timestamp()
RETURNING epoch::text AS epoch`;

/** A look that writes nothing: a replica that waits for the lane must not cost a commit each time. */
const FREE = `SELECT 1 FROM outbox_lane WHERE lane = $1 AND owner <> $2 AND lease_until >= clock_timestamp()`;

const PENDING = `
SELECT id, topic, key, headers, payload
FROM (
  SELECT *, sum(octet_length(payload) + ${OVERHEAD_BYTES}) OVER (ORDER BY id) AS total, row_number() OVER (ORDER BY id) AS place
  FROM (
    SELECT id, topic, key, headers, payload FROM outbox AS o
    WHERE lane = $1 AND parked_at IS NULL AND NOT EXISTS (
      SELECT 1 FROM outbox AS p WHERE p.parked_at IS NOT NULL AND p.topic = o.topic AND p.key = o.key AND p.lane = o.lane)
    ORDER BY id LIMIT $2
  ) AS waiting
) AS measured
WHERE total <= ${BATCH_BYTES} OR place = 1
ORDER BY id`;

/** FOR SHARE: a new owner has to wait until this statement is done, so there is no moment between the look and the write. */
const HELD = `held AS MATERIALIZED (SELECT 1 FROM outbox_lane WHERE lane = $1 AND epoch = $2 FOR SHARE)`;
const REMOVE = `
WITH ${HELD}, gone AS (DELETE FROM outbox USING held WHERE id = ANY ($3::bigint[]))
SELECT count(*)::int AS held FROM held`;
const PARK = `
WITH ${HELD}, parked AS (UPDATE outbox SET parked_at = clock_timestamp(), error = $4 FROM held WHERE id = $3)
SELECT count(*)::int AS held FROM held`;

export class SqlRelayStore implements RelayStore {
  constructor(private readonly database: { readonly primary: EntityManager }) {}

  async acquire(lane: number, owner: string, leaseMs: number): Promise<string | undefined> {
    if ((await this.query<unknown[]>(FREE, [lane, owner])).length) return undefined;
    const rows = await this.query<{ epoch: string }[]>(ACQUIRE, [lane, owner, leaseMs]);
    return rows[0]?.epoch;
  }

  async renew(lane: number, epoch: string, leaseMs: number): Promise<boolean> {
    const [, renewed] = await this.query<[unknown, number]>(
      `UPDATE outbox_lane SET lease_until = clock_timestamp() + $3 * interval '1 ms' WHERE lane = $1 AND epoch = $2`,
      [lane, epoch, leaseMs],
    );
    return renewed > 0;
  }

  async release(lane: number, epoch: string): Promise<void> {
    await this.query(`UPDATE outbox_lane SET lease_until = '-infinity' WHERE lane = $1 AND epoch = $2`, [lane, epoch]);
  }

  async pending(lane: number, limit: number): Promise<PendingRecord[]> {
    type Row = Omit<WireRecord, 'value'> & { id: string; payload: string };
    const rows = await this.query<Row[]>(PENDING, [lane, limit]);
    return rows.map(({ id, topic, key, headers, payload }) => ({ id, record: { topic, key, headers, value: payload } }));
  }

  async remove(lane: number, epoch: string, ids: readonly string[]): Promise<boolean> {
    return this.fenced(REMOVE, [lane, epoch, ids]);
  }

  async park(lane: number, epoch: string, id: string, error: string): Promise<boolean> {
    return this.fenced(PARK, [lane, epoch, id, error]);
  }

  async backlog(): Promise<{ pending: number; parked: number; oldestSeconds: number }> {
    const [row] = await this.query<[{ pending: number; parked: number; oldestSeconds: number }]>(`
      SELECT count(*) FILTER (WHERE parked_at IS NULL)::int AS pending, count(parked_at)::int AS parked,
        coalesce(extract(epoch FROM clock_timestamp() - min(created_at) FILTER (WHERE parked_at IS NULL)), 0)::float AS "oldestSeconds"
      FROM outbox`);
    return row;
  }

  private async fenced(sql: string, parameters: unknown[]): Promise<boolean> {
    const [row] = await this.query<[{ held: number }]>(sql, parameters);
    return row.held > 0;
  }

  private query<T>(sql: string, parameters: unknown[] = []): Promise<T> {
    return this.database.primary.query<T>(sql, parameters);
  }
}
