import { Database, type Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { Difference, DifferencesQuery, DifferenceView, RunRequest } from './reconciliation.requests.js';

const DAY = 86_400_000;
/** More than a job looks at in one run; the oldest come first. */
const OPEN = 5_000;
const COLUMNS = 'id, kind, subject, order_id, severity, amount, currency, detail, repairs, last_repair, first_seen, last_seen, resolved_at';

/**
 * What the reconciliation found, when it saw it first and last, and when it was gone: the list that people work through. It is kept
 * beside the ledger, since a run that cannot reach payment has nothing to compare.
 */
@Injectable()
export class ReconciliationRegister {
  constructor(private readonly db: Database) {
    db.retention.add({ table: 'reconciliation_run', since: 'recorded_at', keep: 90 * DAY });
    db.retention.add({ table: 'reconciliation_difference', since: 'resolved_at', keep: 400 * DAY, where: 'resolved_at IS NOT NULL' });
  }

  async state(): Promise<{ cutOff: string | null; fullAt: string | null; open: DifferenceView[] }> {
    const [[times], open] = await Promise.all([
      this.db.primary.query<{ cut_off: Date | null; full_at: Date | null }[]>(
        `SELECT max(cut_off) AS cut_off, max(cut_off) FILTER (WHERE scope = 'full') AS full_at FROM reconciliation_run`,
      ),
      this.db.primary.query<Row[]>(
        `SELECT ${COLUMNS} FROM reconciliation_difference WHERE resolved_at IS NULL ORDER BY first_seen, id LIMIT ${OPEN}`,
      ),
    ]);
    return { cutOff: times?.cut_off?.toISOString() ?? null, fullAt: times?.full_at?.toISOString() ?? null, open: open.map(view) };
  }

  /** The latest first. */
  async list({ state, kind, limit }: DifferencesQuery, before: string | undefined): Promise<DifferenceView[]> {
    const rows = await this.db.primary.query<Row[]>(
      `SELECT ${COLUMNS} FROM reconciliation_difference
       WHERE (resolved_at IS NULL) = $1 AND ($2::text IS NULL OR kind = $2) AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
      [state === 'open', kind ?? null, before ?? null, limit + 1],
    );
    return rows.map(view);
  }

  /** Two jobs at once write one row for one difference: the open index sees to it. */
  async record(tx: Tx, { cutOff, scope, judged, inMotion, durationMs, found, differences, resolved, more }: RunRequest): Promise<void> {
    if (!more)
      await tx.query(
        `INSERT INTO reconciliation_run (cut_off, scope, judged, in_motion, differences, duration_ms) VALUES ($1, $2, $3, $4, $5, $6)`,
        [cutOff, scope, judged, inMotion, found, durationMs],
      );
    // In one order, so that two jobs do not wait for each other in a circle.
    const sorted = [...differences].sort((a, b) => (`${a.kind} ${a.subject}` < `${b.kind} ${b.subject}` ? -1 : 1));
    for (const difference of sorted) await see(tx, difference, cutOff);
    if (resolved.length > 0)
      await tx.query(
        `UPDATE reconciliation_difference SET resolved_at = now() WHERE id = ANY ($1) AND resolved_at IS NULL AND last_seen < $2`,
        [resolved, cutOff],
      );
  }

  /** How many are open of each kind, and when a run was recorded last (seconds since 1970). */
  async census(): Promise<{ open: { kind: string; severity: string; count: number }[]; lastRun: number | undefined }> {
    const [open, [run]] = await Promise.all([
      this.db.primary.query<{ kind: string; severity: string; count: number }[]>(
        `SELECT kind, severity, count(*)::int AS count FROM reconciliation_difference WHERE resolved_at IS NULL GROUP BY kind, severity`,
      ),
      this.db.primary.query<{ at: number | null }[]>(`SELECT extract(epoch FROM max(recorded_at))::float8 AS at FROM reconciliation_run`),
    ]);
    return { open, lastRun: run?.at ?? undefined };
  }
}

const see = (tx: Tx, { kind, subject, orderId, severity, amount, detail, repair }: Difference, seen: string): Promise<unknown> =>
  tx.query(
    `INSERT INTO reconciliation_difference AS known (id, kind, subject, order_id, severity, amount, currency, detail, repairs, last_repair, first_seen, last_seen)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
     ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO UPDATE SET
       severity = excluded.severity, amount = excluded.amount, currency = excluded.currency, detail = excluded.detail,
       repairs = known.repairs + excluded.repairs, last_repair = coalesce(excluded.last_repair, known.last_repair),
       last_seen = greatest(known.last_seen, excluded.last_seen)`,
    [
      ...[uuidv7(), kind, subject, orderId ?? null, severity, amount?.amount ?? null, amount?.currency ?? null, detail],
      ...[repair ? 1 : 0, repair ?? null, seen],
    ],
  );

interface Row extends Pick<DifferenceView, 'id' | 'kind' | 'subject' | 'severity' | 'detail' | 'repairs'> {
  order_id: string | null;
  amount: string | null;
  currency: string | null;
  last_repair: string | null;
  first_seen: Date;
  last_seen: Date;
  resolved_at: Date | null;
}

const view = ({ order_id, amount, currency, last_repair, first_seen, last_seen, resolved_at, ...row }: Row): DifferenceView => ({
  ...row,
  orderId: order_id,
  amount: amount === null ? null : { amount: Number(amount), currency: currency ?? '' },
  lastRepair: last_repair,
  firstSeen: first_seen.toISOString(),
  lastSeen: last_seen.toISOString(),
  resolvedAt: resolved_at?.toISOString() ?? null,
});
