import type { WireRecord } from '@ballast/message';
import { prepared } from '@ballast/database';
import type { EntityManager } from 'typeorm';
import { GATE, LANE_OF, type Lanes, ONE_LANE, rowOf } from './lanes.sql.js';

export interface PendingRecord {
  id: string;
  record: WireRecord;
}

/**
 * The reading side of the outbox. Lanes are numbered from 0; the records of one key are all in one lane. A lane has one owner at a time;
 * `epoch` counts its owners and fences what an earlier one still writes.
 */
export interface RelayStore {
  /**
   * The new epoch; undefined while another owner's lease runs, unless that one is in `gone`. An owner takes its own lease back at once, as after a
   * crash. Whether an owner was right to be taken for gone decides what is sent twice, never what is lost or out of order.
   */
  acquire(lane: number, owner: string, leaseMs: number, gone?: readonly string[]): Promise<string | undefined>;
  /** False when the lane has another epoch by now, or the number of lanes was changed. */
  renew(lane: number, epoch: string, leaseMs: number): Promise<boolean>;
  release(lane: number, epoch: string): Promise<void>;
  /**
   * What can be seen, in order of id, up to `limit` and about 4 MB (at least one), without the keys that a parked record blocks, and
   * without the ids in `except`: those the caller has in its hands.
   */
  pending(lane: number, limit: number, except?: readonly string[]): Promise<PendingRecord[]>;
  /** Deletes what was sent. False, and nothing deleted, when the lane has another epoch by now or its lease has run out. */
  remove(lane: number, epoch: string, ids: readonly string[]): Promise<boolean>;
  /** Sets a record aside with its error. False, and nothing parked, when the lane has another epoch by now or its lease has run out. */
  park(lane: number, epoch: string, id: string, error: string): Promise<boolean>;
  /** What waits to be sent, what is set aside, and for how long the oldest has waited. */
  backlog(): Promise<{ pending: number; parked: number; oldestSeconds: number }>;
}

/** What a relay holds in memory of one read. */
const PAGE_BYTES = 4_000_000;

/** A look that writes nothing: a replica that waits for the lane must not cost a commit each time. */
const TAKEN = `
SELECT 1 FROM outbox_lane
WHERE lane = $1 AND owner <> $2 AND owner <> ALL ($4::text[]) AND lease_until >= clock_timestamp()
   OR lane = ${GATE.lane} AND owner <> '${GATE.owner}' AND lease_until >= clock_timestamp()
   OR lane > ${GATE.lane} AND generation <> $3 AND owner <> $2 AND owner <> ALL ($4::text[]) AND lease_until >= clock_timestamp()`;

/**
 * The lease runs on the database's clock, so owners need not agree on theirs. The gate first: while a relay of the version before owns it,
 * that one sends every row. Then the setting, share-locked: whoever changes it waits until this lease can be seen, so a lane of the new
 * generation cannot begin beside one of the old. `$4` was read by an earlier statement, so this one's snapshot sees every lease that was
 * taken or renewed under the generation before.
 */
const ACQUIRE = `
WITH gate AS (
  INSERT INTO outbox_lane AS g (lane, owner, epoch, lease_until) VALUES (${GATE.lane}, '${GATE.owner}', 1, clock_timestamp() + $3 * interval '1 ms')
  ON CONFLICT (lane) DO UPDATE SET owner = excluded.owner, lease_until = greatest(g.lease_until, excluded.lease_until),
    epoch = CASE WHEN g.owner = excluded.owner THEN g.epoch ELSE g.epoch + 1 END
  WHERE g.owner = excluded.owner OR g.lease_until < clock_timestamp()
  RETURNING 1
), setting AS MATERIALIZED (SELECT generation FROM outbox_lanes WHERE generation = $4 FOR SHARE)
INSERT INTO outbox_lane AS l (lane, owner, epoch, lease_until, generation)
SELECT $1::smallint, $2::text, 1, clock_timestamp() + $3 * interval '1 ms', setting.generation FROM gate CROSS JOIN setting
WHERE NOT EXISTS (
  SELECT 1 FROM outbox_lane AS o
  WHERE o.lane > ${GATE.lane} AND o.generation <> $4 AND o.owner <> $2 AND o.owner <> ALL ($5::text[]) AND o.lease_until >= clock_timestamp())
ON CONFLICT (lane) DO UPDATE SET owner = excluded.owner, epoch = l.epoch + 1, lease_until = excluded.lease_until, generation = excluded.generation
WHERE l.owner = excluded.owner OR l.owner = ANY ($5::text[]) OR l.lease_until < clock_timestamp()
RETURNING epoch::text AS epoch`;

/** The gate's lease is never shorter than a lane's, so nobody owns the gate while a lease of a lane runs. */
const RENEW = `
WITH gate AS (
  UPDATE outbox_lane SET lease_until = greatest(lease_until, clock_timestamp() + $3 * interval '1 ms')
  WHERE lane = ${GATE.lane} AND owner = '${GATE.owner}' RETURNING 1
), setting AS MATERIALIZED (SELECT FROM outbox_lanes WHERE generation = $4 FOR SHARE)
UPDATE outbox_lane SET lease_until = clock_timestamp() + $3 * interval '1 ms' FROM gate CROSS JOIN setting WHERE lane = $1 AND epoch = $2`;

const RELEASE = `UPDATE outbox_lane SET lease_until = '-infinity' WHERE lane = $1 AND epoch = $2`;

/** The last one out leaves the gate to the version before. Who has come in meanwhile has moved the gate's lease on. */
const LEAVE_GATE = `
WITH seen AS MATERIALIZED (SELECT lease_until FROM outbox_lane WHERE lane = ${GATE.lane})
UPDATE outbox_lane AS g SET lease_until = '-infinity' FROM seen
WHERE g.lane = ${GATE.lane} AND g.owner = '${GATE.owner}' AND g.lease_until = seen.lease_until
  AND NOT EXISTS (SELECT 1 FROM outbox_lane WHERE lane > ${GATE.lane} AND lease_until >= clock_timestamp())`;

/**
 * For connections that follow indexes (`Database.byIndex`), prepared: by its guesses of a table that it knows as empty, Postgres would read and sort the
 * whole backlog for each page. No `parked_at IS NULL`: a parked row blocks its own key, itself included. `$3` goes into a hash, which an array does not in a
 * prepared statement.
 */
const pendingUpTo = (limit: number): string =>
  prepared(`
SELECT id, topic, key, headers, payload
FROM (
  SELECT *, sum(octet_length(payload)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS total, row_number() OVER (ORDER BY id) AS place
  FROM (
    SELECT id, topic, key, headers, payload FROM outbox AS o
    WHERE ($2::int = 1 OR ${LANE_OF('key', '$2::int')} = $1::int) AND id NOT IN (SELECT unnest($3::bigint[]))
      AND NOT EXISTS (SELECT 1 FROM outbox AS p WHERE p.parked_at IS NOT NULL AND p.topic = o.topic AND p.key = o.key)
    ORDER BY id LIMIT ${limit}
  ) AS waiting
) AS measured
WHERE total <= ${PAGE_BYTES} OR place = 1
ORDER BY id`);

/** FOR SHARE: a new owner has to wait until this statement is done, so there is no moment between the look and the write. */
const HELD = (more = '1') => `held AS MATERIALIZED (
  SELECT ${more} FROM outbox_lane WHERE lane = $1 AND epoch = $2 AND lease_until >= clock_timestamp() FOR SHARE)`;

/**
 * Does not wait for the disk, nor for a standby: a deletion that a crash undoes is a record that is sent again, which it may be anyway. The log
 * is one sequence, so what commits later and waits takes this along: a record never comes back without every later one of its key.
 */
const REMOVE = prepared(`
WITH ${HELD(`set_config('synchronous_commit', 'off', true)`)}, gone AS (DELETE FROM outbox USING held WHERE id = ANY ($3::bigint[]))
SELECT count(*)::int AS held FROM held`);
const PARK = `
WITH ${HELD()}, parked AS (UPDATE outbox SET parked_at = clock_timestamp(), error = $4 FROM held WHERE id = $3)
SELECT count(*)::int AS held FROM held`;

/** For lanes of one generation. The number of lanes is in `Lanes`; the lane of a key follows from it when a row is read. */
export class SqlRelayStore implements RelayStore {
  constructor(
    private readonly database: { readonly primary: EntityManager; readonly byIndex: EntityManager },
    private readonly lanes: Lanes = ONE_LANE,
  ) {}

  async acquire(lane: number, owner: string, leaseMs: number, gone: readonly string[] = []): Promise<string | undefined> {
    const { generation } = this.lanes;
    if ((await this.query<unknown[]>(TAKEN, [rowOf(lane), owner, generation, gone])).length) return undefined;
    const rows = await this.query<{ epoch: string }[]>(ACQUIRE, [rowOf(lane), owner, leaseMs, generation, gone]);
    return rows[0]?.epoch;
  }

  async renew(lane: number, epoch: string, leaseMs: number): Promise<boolean> {
    const [, renewed] = await this.query<[unknown, number]>(RENEW, [rowOf(lane), epoch, leaseMs, this.lanes.generation]);
    return renewed > 0;
  }

  async release(lane: number, epoch: string): Promise<void> {
    await this.query(RELEASE, [rowOf(lane), epoch]);
    await this.query(LEAVE_GATE);
  }

  async pending(lane: number, limit: number, except: readonly string[] = []): Promise<PendingRecord[]> {
    type Row = Omit<WireRecord, 'value'> & { id: string; payload: string };
    const rows = await this.database.byIndex.query<Row[]>(pendingUpTo(limit), [lane, this.lanes.lanes, except]);
    return rows.map(({ id, topic, key, headers, payload }) => ({ id, record: { topic, key, headers, value: payload } }));
  }

  async remove(lane: number, epoch: string, ids: readonly string[]): Promise<boolean> {
    return this.fenced(this.database.byIndex, REMOVE, [rowOf(lane), epoch, ids]);
  }

  async park(lane: number, epoch: string, id: string, error: string): Promise<boolean> {
    return this.fenced(this.database.primary, PARK, [rowOf(lane), epoch, id, error]);
  }

  async backlog(): Promise<{ pending: number; parked: number; oldestSeconds: number }> {
    const [row] = await this.query<[{ pending: number; parked: number; oldestSeconds: number }]>(`
      SELECT count(*) FILTER (WHERE parked_at IS NULL)::int AS pending, count(parked_at)::int AS parked,
        coalesce(extract(epoch FROM clock_timestamp() - min(created_at) FILTER (WHERE parked_at IS NULL)), 0)::float AS "oldestSeconds"
      FROM outbox`);
    return row;
  }

  private async fenced(manager: EntityManager, sql: string, parameters: unknown[]): Promise<boolean> {
    const [row] = await manager.query<[{ held: number }]>(sql, parameters);
    return row.held > 0;
  }

  private query<T>(sql: string, parameters: unknown[] = []): Promise<T> {
    return this.database.primary.query<T>(sql, parameters);
  }
}
