import { Database } from '@ballast/database';
import {
  type ListedSaga,
  SagaNotClosedError,
  SagaNotFoundError,
  SagaNotStuckError,
  SagaOperations,
  UnregisteredSagaError,
} from '@ballast/saga';
import { redact } from '@ballast/tracing';
import { Body, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers } from '../answers.js';
import { decodeCursor, page, pageOf, pageQuery } from '../page.js';
import { Audited, type AuditedWrite } from './audit.js';
import { OpsController } from './ops-controller.js';
import { sagaErrors as errors } from './ops.errors.js';
import { remark } from './schemas.js';
import { traceIdIn } from './trace.js';

const statuses = ['RUNNING', 'COMPENSATING', 'STUCK', 'COMPLETED', 'COMPENSATED', 'ABANDONED'] as const;
const failure = z.object({ step: z.string(), code: z.string(), message: z.string() });

const sagaView = z.object({
  id: z.uuid(),
  definition: z.string(),
  status: z.enum(statuses),
  step: z.string().optional(),
  direction: z.enum(['forward', 'backward']).optional(),
  attempts: z.int().optional(),
  failure: failure.optional(),
  createdAt: z.iso.datetime(),
  /** When it last moved. */
  updatedAt: z.iso.datetime().optional(),
  finishedAt: z.iso.datetime().optional(),
  traceId: z.string().optional(),
});

const wholeSaga = sagaView.extend({
  /** Without what may be a secret. Absent once it is archived. */
  state: z.record(z.string(), z.unknown()).optional(),
  timeline: z.array(
    z.object({ step: z.string(), outcome: z.string(), at: z.iso.datetime(), code: z.string().optional(), traceId: z.string().optional() }),
  ),
});

const query = pageQuery.extend({ state: z.enum(statuses).optional(), definition: z.string().min(1).max(200).optional() });
const position = z
  .string()
  .regex(/^\d{1,15} [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  .transform((text) => ({ createdAt: new Date(Number(text.split(' ')[0])), id: text.split(' ')[1]! }));
const moved = z.object({ id: z.uuid(), outcome: z.enum(['RESUMED', 'ABANDONED']) });
const decision = z.object({
  /** Why: it is kept with the saga, in its failure. No personal data. */
  reason: remark,
});

/** Sagas, and what to do about one that is stuck. */
@OpsController('sagas')
export class SagasController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(SagaOperations) private readonly sagas: SagaOperations,
  ) {}

  /** The longest under way first; without `state` those that have not ended. */
  @Get()
  @Answers(200, pageOf(sagaView))
  async list(@Query({ schema: query }) { limit, cursor, state, definition }: z.output<typeof query>) {
    const after = decodeCursor(cursor, position);
    const filter = { limit: limit + 1, ...(after && { after }), ...(state && { status: state }), ...(definition && { definition }) };
    const rows = await this.sagas.list(this.database.primary, filter);
    const { items, nextCursor } = page(rows, limit, ({ createdAt, id }) => `${createdAt.getTime()} ${id}`);
    return { items: items.map(viewOf), nextCursor };
  }

  @Get(':id')
  @Answers(200, wholeSaga, [errors.NOT_FOUND])
  async show(@Param('id', { schema: z.uuid() }) id: string): Promise<z.output<typeof wholeSaga>> {
    const saga = await this.sagas.show(this.database.primary, id).catch(told(id));
    const { definition, status, step, failure, createdAt, finishedAt, state, timeline } = saga;
    const traceId = timeline[0]?.traceId;
    return {
      ...{ id, definition, status, createdAt: createdAt.toISOString() },
      ...(step && { step }),
      ...(failure && { failure }),
      ...(finishedAt && { finishedAt: finishedAt.toISOString() }),
      ...(state !== undefined && { state: redact(state) as Record<string, unknown> }),
      ...(traceId && { traceId }),
      timeline: timeline.map(({ at, ...entry }) => ({ ...entry, at: at.toISOString() })),
    };
  }

  /** Goes on from where it stands, with all its tries again. */
  @Post(':id/resume')
  @HttpCode(200)
  @Answers(200, moved, [errors.NOT_FOUND, errors.NOT_STUCK, errors.UNREGISTERED])
  resume(@Param('id', { schema: z.uuid() }) id: string, @Audited() write: AuditedWrite) {
    return write
      .run(async (tx, note) => {
        note({ saga: id });
        await this.sagas.resume(tx, id);
        return { id, outcome: 'RESUMED' as const };
      })
      .catch(told(id));
  }

  /** Ends where it stands. Nothing is taken back: read its timeline first, and settle what was done. */
  @Post(':id/abandon')
  @HttpCode(200)
  @Answers(200, moved, [errors.NOT_FOUND, errors.NOT_STUCK, errors.UNREGISTERED, errors.NOT_CLOSED])
  abandon(
    @Param('id', { schema: z.uuid() }) id: string,
    @Body({ schema: decision }) { reason }: z.output<typeof decision>,
    @Audited() write: AuditedWrite,
  ) {
    return write
      .run(async (tx, note) => {
        note({ saga: id, reason });
        await this.sagas.abandon(tx, id, reason);
        return { id, outcome: 'ABANDONED' as const };
      })
      .catch(told(id));
  }
}

function viewOf({ failure, createdAt, updatedAt, traceparent, ...saga }: ListedSaga): z.output<typeof sagaView> {
  const traceId = traceIdIn(traceparent);
  return {
    ...saga,
    ...(failure && { failure }),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    ...(traceId && { traceId }),
  };
}

const told =
  (id: string) =>
  (error: unknown): never => {
    if (error instanceof SagaNotFoundError) throw errors.NOT_FOUND(id);
    if (error instanceof SagaNotStuckError) throw errors.NOT_STUCK(id);
    if (error instanceof UnregisteredSagaError) throw errors.UNREGISTERED(error.definition);
    if (error instanceof SagaNotClosedError) throw errors.NOT_CLOSED(id).with({ failure: error.code });
    throw error;
  };
