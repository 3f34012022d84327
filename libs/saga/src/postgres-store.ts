import { Database, prepared, type Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ENTRIES, SAGAS } from './archive.js';
import { isFinished, type Direction, type SagaRecord } from './record.js';
import type { SagaNews, SagaView, TimelineEntry } from './sagas.js';
import type { SagaStatus } from './status.js';
import { type DueSaga, LONGEST_TICK, type LockedSaga, type SagaStore, type SavedProgress } from './store.js';

const COLUMNS = 'id, definition, state, status, step, direction, awaiting, round, attempts, timer_at, failure, trace, entries, created_at';
/** Where the working clock stood at its last tick: what a timer is compared with. */
const TICKED = '(SELECT working_ms FROM saga_clock)';
const SINCE_TICK = `greatest(0, least(${LONGEST_TICK}, extract(epoch FROM clock_timestamp() - ticked_at) * 1000))::bigint`;
/** Where the next tick will put it, at least: what a timer is set by, so that none fires early when the clock has rested. */
const NOW = `(SELECT working_ms + ${SINCE_TICK} FROM saga_clock)`;
/** A saga does not time out beside a reply that is here already and only waits to be taken up. */
const NO_REPLY_WAITS = `NOT EXISTS (SELECT FROM saga_parked_reply WHERE saga_id = saga.id AND error IS NULL)`;

const INSERT = prepared(`
INSERT INTO saga (id, definition, state, status, step, step_name, direction, round, attempts, trace, entries)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (id) DO NOTHING RETURNING ${COLUMNS}, ${NOW} AS now`);

const LOCK = prepared(`SELECT ${COLUMNS}, ${NOW} AS now FROM saga WHERE id = $1 FOR UPDATE`);

/** One statement, so one round trip. */
const SAVE = prepared(`
WITH saved AS (
  UPDATE saga SET state = $2, status = $3, step = $4, step_name = $5, direction = $6, awaiting = $7, round = $8, attempts = $9,
    timer_at = $10, failure = $11, entries = $12, version = version + 1, updated_at = now(),
    finished_at = CASE WHEN $13::boolean THEN now() END
  WHERE id = $1)
INSERT INTO saga_history (saga_id, seq, step, outcome, code, trace_id)
SELECT $1::uuid, seq, step, outcome, code, $15::text FROM jsonb_to_recordset($14) AS entry(seq int, step text, outcome text, code text) ORDER BY seq`);

/** Sagas in the service's own Postgres, in the tables of `sagaMigrations`. */
@Injectable()
export class PostgresSagaStore implements SagaStore {
  constructor(private readonly database: Database) {}

  async insert(tx: Tx, record: SagaRecord, stepName: string): Promise<LockedSaga | null> {
    const rows = await tx.query<Row[]>(INSERT, [
      ...[record.id, record.definition, JSON.stringify(record.state), record.status, record.step, stepName, record.direction],
      ...[record.round, record.attempts, JSON.stringify(record.trace), record.entries],
    ]);
    // A statement of its own: the insert may have waited for the row to be archived, which only a later one can see.
    if (rows.length && (await tx.query<unknown[]>('SELECT FROM saga_archive WHERE id = $1', [record.id])).length) {
      await tx.query('DELETE FROM saga WHERE id = $1', [record.id]);
      return null;
    }
    return locked(rows);
  }

  async lock(tx: Tx, id: string): Promise<LockedSaga | null> {
    return locked(await tx.query<Row[]>(LOCK, [id]));
  }

  async lockDue(tx: Tx, id: string): Promise<LockedSaga | null> {
    return locked(
      await tx.query<Row[]>(
        `SELECT ${COLUMNS}, ${NOW} AS now FROM saga WHERE id = $1 AND timer_at <= ${TICKED} AND ${NO_REPLY_WAITS} FOR UPDATE SKIP LOCKED`,
        [id],
      ),
    );
  }

  async save(tx: Tx, { record, stepName, history, traceId }: SavedProgress): Promise<void> {
    const entries = history.map((entry, i) => ({ seq: record.entries - history.length + i + 1, code: null, ...entry }));
    await tx.query(SAVE, [
      ...[record.id, JSON.stringify(record.state), record.status, record.step, stepName, record.direction, record.awaiting, record.round],
      ...[record.attempts, record.timerAt, record.failure && JSON.stringify(record.failure), record.entries, isFinished(record)],
      ...[JSON.stringify(entries), traceId ?? null],
    ]);
  }

  async due(definitions: readonly string[], limit: number, after?: DueSaga): Promise<DueSaga[]> {
    const rows = await this.database.primary.query<{ id: string; timer_at: string }[]>(
      `SELECT id, timer_at FROM saga
       WHERE timer_at <= ${TICKED} AND definition = ANY ($1) AND ${NO_REPLY_WAITS} AND ($3::bigint IS NULL OR (timer_at, id) > ($3, $4::uuid))
       ORDER BY timer_at, id LIMIT $2`,
      [definitions, limit, after?.timerAt ?? null, after?.id ?? null],
    );
    return rows.map(({ id, timer_at }) => ({ id, timerAt: Number(timer_at) }));
  }

  async postpone(id: string, byMs: number): Promise<void> {
    await this.database.primary.query(`UPDATE saga SET timer_at = timer_at + $2 WHERE id = $1 AND timer_at <= ${TICKED}`, [id, byMs]);
  }

  async tick(intervalMs: number): Promise<void> {
    // The second of two processes waits for the row, sees that the tick is done, and adds nothing. `abs`, because after a failover
    // the new primary's clock may be behind: the tick then adds nothing, but the clock goes on from there.
    await this.database.primary.query(
      `UPDATE saga_clock SET ticked_at = clock_timestamp(),
         working_ms = working_ms + ${SINCE_TICK}
       WHERE abs(extract(epoch FROM clock_timestamp() - ticked_at) * 1000) >= $1 * 0.9
         AND EXISTS (SELECT FROM saga WHERE timer_at IS NOT NULL)`,
      [intervalMs],
    );
  }

  async census(): Promise<{ definition: string; status: SagaStatus; count: number }[]> {
    return this.database.primary.query(
      `SELECT definition, status, count(*)::int AS count FROM saga WHERE finished_at IS NULL GROUP BY definition, status`,
    );
  }

  async findAll(manager: EntityManager, ids: readonly string[]): Promise<Map<string, SagaView>> {
    const rows = await manager.query<ViewRow[]>(
      `SELECT id, definition, state, status, step_name, failure, created_at, finished_at FROM ${SAGAS} AS saga WHERE id = ANY ($1)`,
      [ids],
    );
    return new Map(rows.map((row) => [row.id, viewOf(row)]));
  }

  async timelines(manager: EntityManager, ids: readonly string[]): Promise<Map<string, TimelineEntry[]>> {
    const rows = await manager.query<HistoryRow[]>(
      `SELECT saga_id, step, outcome, code, at, trace_id FROM ${ENTRIES} AS entry WHERE saga_id = ANY ($1) ORDER BY saga_id, seq`,
      [ids],
    );
    const timelines = new Map<string, TimelineEntry[]>();
    for (const { saga_id, step, outcome, code, at, trace_id } of rows) {
      const entries = timelines.get(saga_id) ?? [];
      entries.push({ step, outcome, at, ...(code && { code }), ...(trace_id && { traceId: trace_id }) });
      timelines.set(saga_id, entries);
    }
    return timelines;
  }

  async news(manager: EntityManager, since: ReadonlyMap<string, number>): Promise<Map<string, SagaNews>> {
    const rows = await manager.query<NewsRow[]>(
      `SELECT saga_id, status, failure, h.seq, h.step, outcome, code, at, trace_id
       FROM unnest($1::uuid[], $2::int[]) AS known (id, seq)
       JOIN ${SAGAS} AS saga ON saga.id = known.id AND saga.entries > known.seq
       JOIN ${ENTRIES} AS h ON h.saga_id = saga.id AND h.seq > known.seq
       ORDER BY saga_id, h.seq`,
      [[...since.keys()], [...since.values()]],
    );
    const news = new Map<string, SagaNews>();
    for (const { saga_id, status, failure, seq, step, outcome, code, at, trace_id } of rows) {
      const saga = news.get(saga_id) ?? { status, ...(failure && { failure }), entries: [] };
      saga.entries.push({ seq, step, outcome, at, ...(code && { code }), ...(trace_id && { traceId: trace_id }) });
      news.set(saga_id, saga);
    }
    return news;
  }
}

interface Row extends Omit<SagaRecord, 'timerAt'> {
  direction: Direction;
  timer_at: string | null;
  created_at: Date;
  now: string;
}

interface ViewRow extends Pick<SagaRecord, 'id' | 'definition' | 'status' | 'failure'> {
  state: unknown;
  step_name: string | null;
  created_at: Date;
  finished_at: Date | null;
}

interface HistoryRow extends Pick<TimelineEntry, 'step' | 'outcome' | 'at'> {
  saga_id: string;
  code: string | null;
  trace_id: string | null;
}

interface NewsRow extends HistoryRow, Pick<SagaRecord, 'status' | 'failure'> {
  seq: number;
}

function locked([row]: Row[]): LockedSaga | null {
  if (!row) return null;
  const { now, timer_at, created_at, ...record } = row;
  return { record: { ...record, timerAt: timer_at === null ? null : Number(timer_at) }, now: Number(now), createdAt: created_at };
}

function viewOf({ id, definition, state, status, step_name, failure, created_at, finished_at }: ViewRow): SagaView {
  const step = finished_at || !step_name ? {} : { step: step_name };
  const end = finished_at ? { finishedAt: finished_at } : {};
  return { id, definition, ...(state !== null && { state }), status, ...step, ...(failure && { failure }), createdAt: created_at, ...end };
}
