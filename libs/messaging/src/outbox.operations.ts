import { afterCommit, type Tx } from '@ballast/database';
import type { EntityManager } from 'typeorm';
import { GATE, LANE_OF } from './lanes.sql.js';
import { OperationRefusedError } from './operation.errors.js';
import type { Wakeup } from './wakeup.js';

export interface LaneBacklog {
  lane: number;
  /** Records that wait to be sent, those behind a parked one included. */
  pending: number;
  /** Records the broker refused. */
  parked: number;
  /** Age of the oldest that waits. */
  oldestSeconds: number;
  /** The relay that owns the lane, while its lease runs. */
  owner: string | null;
}

/** A record the broker refused. Its key's later records wait behind it. */
export interface ParkedRecord {
  id: string;
  lane: number;
  topic: string;
  key: string;
  type: string | null;
  messageId: string | null;
  /** Of the payload. */
  bytes: number;
  error: string;
  createdAt: Date;
  parkedAt: Date;
  traceparent: string | null;
  /** Records of the same key that wait. */
  behind: number;
}

/** While a relay of the version before holds the gate, it sends every lane. */
const LANES = `
SELECT n AS lane, coalesce(pending, 0) AS pending, coalesce(parked, 0) AS parked, coalesce("oldestSeconds", 0) AS "oldestSeconds",
  coalesce(
    CASE WHEN l.lease_until >= clock_timestamp() THEN l.owner END,
    CASE WHEN gate.lease_until >= clock_timestamp() THEN nullif(gate.owner, '${GATE.owner}') END) AS owner
FROM outbox_lanes AS s CROSS JOIN generate_series(0, s.lanes - 1) AS n
LEFT JOIN (
  SELECT (${LANE_OF('key', 'lanes')})::int AS lane, count(*) FILTER (WHERE parked_at IS NULL)::int AS pending,
    count(*) FILTER (WHERE parked_at IS NOT NULL)::int AS parked,
    greatest(0, extract(epoch FROM clock_timestamp() - min(created_at) FILTER (WHERE parked_at IS NULL)))::float AS "oldestSeconds"
  FROM outbox CROSS JOIN outbox_lanes GROUP BY 1
) AS o ON o.lane = n
LEFT JOIN outbox_lane AS l ON l.lane = n + 1 AND l.generation = s.generation
LEFT JOIN outbox_lane AS gate ON gate.lane = ${GATE.lane}
ORDER BY n`;

const PARKED = `
SELECT id, (SELECT ${LANE_OF('o.key', 'lanes')} FROM outbox_lanes)::int AS lane, topic, key, headers ->> 'ce_type' AS type,
  headers ->> 'ce_id' AS "messageId", octet_length(payload) AS bytes, error,
  created_at AS "createdAt", parked_at AS "parkedAt", headers ->> 'traceparent' AS traceparent,
  (SELECT count(*)::int FROM outbox w WHERE w.topic = o.topic AND w.key = o.key AND w.id > o.id) AS behind
FROM outbox o WHERE parked_at IS NOT NULL AND ($1::bigint IS NULL OR id > $1) ORDER BY id LIMIT $2`;

/** The outbox for operators: what waits, and what to do about a record that the broker refused. */
export class OutboxOperations {
  constructor(private readonly relay: Wakeup) {}

  lanes(manager: EntityManager): Promise<LaneBacklog[]> {
    return manager.query(LANES);
  }

  /** In the order in which they were written. */
  parked(manager: EntityManager, { after, limit }: { after?: string; limit: number }): Promise<ParkedRecord[]> {
    return manager.query(PARKED, [after ?? null, limit]);
  }

  /** Has the relay send it again, before what waits behind it. If the broker refuses it again it is parked again. */
  async retry(tx: Tx, id: string): Promise<void> {
    const [, changed] = await tx.query<[unknown, number]>(
      `UPDATE outbox SET parked_at = NULL, error = NULL WHERE id = $1 AND parked_at IS NOT NULL`,
      [id],
    );
    if (!changed) throw notParked(id);
    afterCommit(tx, () => this.relay.wake());
  }

  /** Deletes it: it will never be sent, though its transaction committed. What waits behind it goes. Returns what it was. */
  async discard(tx: Tx, id: string): Promise<{ topic: string; key: string; type: string | null; messageId: string | null }> {
    const [[record]] = await tx.query<[{ topic: string; key: string; type: string | null; messageId: string | null }[], number]>(
      `DELETE FROM outbox WHERE id = $1 AND parked_at IS NOT NULL
       RETURNING topic, key, headers ->> 'ce_type' AS type, headers ->> 'ce_id' AS "messageId"`,
      [id],
    );
    if (!record) throw notParked(id);
    afterCommit(tx, () => this.relay.wake());
    return record;
  }
}

const notParked = (id: string) => new OperationRefusedError('OUTBOX_ROW_NOT_PARKED', `no parked outbox row has the id ${id}`);
