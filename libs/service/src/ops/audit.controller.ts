import { Database } from '@ballast/database';
import { Get, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers } from '../answers.js';
import { decodeCursor, page, pageOf, pageQuery } from '../page.js';
import { auditOutcomes } from './audit.js';
import { OpsController } from './ops-controller.js';

const entry = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  accountId: z.uuid(),
  method: z.string(),
  path: z.string(),
  what: z.string(),
  outcome: z.enum(auditOutcomes),
  code: z.string().optional(),
  detail: z.record(z.string(), z.unknown()),
  traceId: z.string().optional(),
});
type Entry = z.output<typeof entry>;

const query = pageQuery.extend({
  /** Only this kind of write: `dead-letters.replay`. */
  what: z.string().min(1).max(100).optional(),
});

/** Who did what here, the latest first. */
@OpsController('audit')
export class AuditController {
  constructor(@Inject(Database) private readonly database: Database) {}

  @Get()
  @Answers(200, pageOf(entry))
  async list(@Query({ schema: query }) { limit, cursor, what }: z.output<typeof query>) {
    const before = decodeCursor(cursor, z.string().regex(/^\d{1,18}$/));
    const rows = await this.database.primary.query<Row[]>(
      `SELECT id, at, account_id, method, path, what, outcome, code, detail, trace_id FROM ops_audit
       WHERE ($2::bigint IS NULL OR id < $2) AND ($3::text IS NULL OR what = $3) ORDER BY id DESC LIMIT $1`,
      [limit + 1, before ?? null, what ?? null],
    );
    const { items, nextCursor } = page(rows, limit, ({ id }) => id);
    return { items: items.map(entryOf), nextCursor };
  }
}

interface Row extends Pick<Entry, 'id' | 'method' | 'path' | 'what' | 'outcome' | 'detail'> {
  at: Date;
  account_id: string;
  code: string | null;
  trace_id: string | null;
}

const entryOf = ({ at, account_id, code, trace_id, ...row }: Row): Entry => ({
  ...row,
  at: at.toISOString(),
  accountId: account_id,
  ...(code && { code }),
  ...(trace_id && { traceId: trace_id }),
});
