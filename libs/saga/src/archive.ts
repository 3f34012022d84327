import type { RetentionRule } from '@ballast/database';

const DAY = 86_400_000;
/** Longer than a broker keeps a reply, so that a late one still meets its saga. */
export const DEFAULT_KEEP = 7 * DAY;
/** Each takes its history with it, a dozen rows. */
const BATCH = 100;

/** Columns of `SagaView`, of sagas at work and of archived ones: these have no state and stand at no step. */
export const SAGAS = `(
  SELECT id, definition, state, status, step_name, failure, created_at, finished_at, entries FROM saga
  UNION ALL
  SELECT id, definition, NULL, status, NULL, failure, created_at, finished_at, jsonb_array_length(history) FROM saga_archive
)`;

/** The history of both kinds, an entry a row. */
export const ENTRIES = `(
  SELECT saga_id, seq, step, outcome, code, at, trace_id FROM saga_history
  UNION ALL
  SELECT id, entry.seq::int, step, outcome, code, at, NULL FROM saga_archive,
    ROWS FROM (jsonb_to_recordset(history) AS (step text, outcome text, code text, at timestamptz)) WITH ORDINALITY AS entry (step, outcome, code, at, seq)
)`;

/**
 * What is left of a saga that ended long ago: one row. Its id, so that it is not started again; how it ended; and its history, without
 * traces, which are gone by then. Its state, which nobody works with any more, is not kept.
 */
const KEEPING = `
INSERT INTO saga_archive (id, definition, status, failure, created_at, finished_at, history)
SELECT id, definition, status, failure, created_at, finished_at, (
  SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('step', step, 'outcome', outcome, 'code', code, 'at', at)) ORDER BY seq), '[]')
  FROM saga_history WHERE saga_id = gone.id)
FROM gone`;

/** Finished sagas move to the archive `keep` ms after their end. Those at work and those that are stuck stay. */
export const archiving = (keep: number): RetentionRule => ({ table: 'saga', since: 'finished_at', keep, batch: BATCH, keeping: KEEPING });
