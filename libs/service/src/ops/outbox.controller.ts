import { Database } from '@ballast/database';
import { lagNow, MOST_LANES, OperationRefusedError, OutboxOperations, type ParkedRecord, setLanes } from '@ballast/messaging';
import { Body, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers } from '../answers.js';
import type { BaseConfig } from '../config.js';
import { decodeCursor, page, pageOf, pageQuery, type PageQuery } from '../page.js';
import { CONFIG } from '../tokens.js';
import { Audited, type AuditedWrite } from './audit.js';
import { OpsController } from './ops-controller.js';
import { outboxErrors as errors } from './ops.errors.js';
import { remark, rowId } from './schemas.js';
import { traceIdIn } from './trace.js';

const lane = z.object({
  lane: z.int(),
  pending: z.int(),
  parked: z.int(),
  oldestSeconds: z.number(),
  /** The instance whose relay has the lane; absent while nobody has. */
  owner: z.string().optional(),
});
const backlog = z.object({ pending: z.int(), parked: z.int(), oldestSeconds: z.number(), lanes: z.array(lane) });

const parkedView = z.object({
  id: z.string(),
  lane: z.int(),
  topic: z.string(),
  key: z.string(),
  type: z.string().optional(),
  messageId: z.string().optional(),
  bytes: z.int(),
  /** The broker's name for why it refuses. */
  error: z.string(),
  createdAt: z.iso.datetime(),
  parkedAt: z.iso.datetime(),
  /** Later messages of its key, which wait. */
  behind: z.int(),
  traceId: z.string().optional(),
});

const lanesRequest = z.object({ lanes: z.int().min(1).max(MOST_LANES), note: remark.optional() });
/** Each change is a new generation; lanes of two generations never send at the same time. */
const lanesView = z.object({ lanes: z.int(), generation: z.string() });

const done = z.object({ id: z.string(), outcome: z.enum(['RETRIED', 'DISCARDED']) });
const reasoning = z.object({ note: remark.optional() }).default({});

/** Messages that are to be sent. */
@OpsController('outbox')
export class OutboxController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(OutboxOperations) private readonly outbox: OutboxOperations,
  ) {}

  @Get()
  @Answers(200, backlog)
  async backlog(): Promise<z.output<typeof backlog>> {
    const lanes = await this.outbox.lanes(this.database.primary);
    const sum = (of: 'pending' | 'parked') => lanes.reduce((total, each) => total + each[of], 0);
    return {
      ...{ pending: sum('pending'), parked: sum('parked') },
      oldestSeconds: Math.max(0, ...lanes.map(({ oldestSeconds }) => oldestSeconds)),
      lanes: lanes.map(({ owner, ...rest }) => ({ ...rest, ...(owner && { owner }) })),
    };
  }

  /** From now on messages leave in so many lanes; publishing rests for about a second. The same number again changes nothing. */
  @Put('lanes')
  @Answers(200, lanesView)
  lanes(@Body({ schema: lanesRequest }) { lanes, note: why }: z.output<typeof lanesRequest>, @Audited() write: AuditedWrite) {
    return write.run(async (tx, note) => {
      note({ lanes, ...(why && { note: why }) });
      const { lanes: now, generation } = await setLanes({ primary: tx }, lanes);
      return { lanes: now, generation };
    });
  }

  /** What the broker refuses, in the order in which it was written. */
  @Get('parked')
  @Answers(200, pageOf(parkedView))
  async parked(@Query({ schema: pageQuery }) { limit, cursor }: PageQuery) {
    const after = decodeCursor(cursor, rowId);
    const rows = await this.outbox.parked(this.database.primary, { limit: limit + 1, ...(after && { after }) });
    const { items, nextCursor } = page(rows, limit, ({ id }) => id);
    return { items: items.map(viewOf), nextCursor };
  }

  /** Sent again, before those that wait behind it. What the broker refuses again is parked again. */
  @Post('parked/:id/retry')
  @HttpCode(200)
  @Answers(200, done, [errors.ROW_NOT_PARKED])
  retry(@Param('id', { schema: rowId }) id: string, @Audited() write: AuditedWrite) {
    return write
      .run(async (tx, note) => {
        note({ row: id });
        await this.outbox.retry(tx, id);
        return { id, outcome: 'RETRIED' as const };
      })
      .catch(told(id));
  }

  /** Never sent, though its transaction committed: readers will not know. Those behind it go. */
  @Post('parked/:id/discard')
  @HttpCode(200)
  @Answers(200, done, [errors.ROW_NOT_PARKED])
  discard(
    @Param('id', { schema: rowId }) id: string,
    @Body({ schema: reasoning }) body: z.output<typeof reasoning>,
    @Audited() write: AuditedWrite,
  ) {
    return write
      .run(async (tx, note) => {
        const record = await this.outbox.discard(tx, id);
        note({ row: id, ...record, ...(body.note && { note: body.note }) });
        return { id, outcome: 'DISCARDED' as const };
      })
      .catch(told(id));
  }
}

const lagView = z.object({
  /** Partitions are shared out among replicas: each tells of its own. */
  instance: z.string(),
  messages: z.int(),
  partitions: z.array(z.object({ topic: z.string(), partition: z.int(), messages: z.int() })),
});

/** What this replica has still to read. */
@OpsController('lag')
export class LagController {
  constructor(@Inject(CONFIG) private readonly config: BaseConfig) {}

  @Get()
  @Answers(200, lagView)
  lag(): z.output<typeof lagView> {
    const partitions = lagNow();
    const messages = partitions.reduce((total, each) => total + each.messages, 0);
    return { instance: this.config.instanceId, messages, partitions };
  }
}

const viewOf = ({ type, messageId, traceparent, createdAt, parkedAt, ...row }: ParkedRecord): z.output<typeof parkedView> => {
  const traceId = traceIdIn(traceparent);
  return {
    ...row,
    createdAt: createdAt.toISOString(),
    parkedAt: parkedAt.toISOString(),
    ...(type && { type }),
    ...(messageId && { messageId }),
    ...(traceId && { traceId }),
  };
};

const told =
  (id: string) =>
  (error: unknown): never => {
    throw error instanceof OperationRefusedError && error.code === 'OUTBOX_ROW_NOT_PARKED' ? errors.ROW_NOT_PARKED(id) : error;
  };
