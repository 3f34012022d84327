import { Database } from '@ballast/database';
import {
  DeadLetterOperations,
  deadLetterReasons,
  deadLetterStatuses,
  kindOf,
  type LetterOutcome,
  type ListedLetter,
  OperationRefusedError,
} from '@ballast/messaging';
import { Body, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers } from '../answers.js';
import { decodeCursor, page, pageOf, pageQuery } from '../page.js';
import { ProblemError } from '../problem.js';
import { Audited, type AuditedWrite } from './audit.js';
import { OpsController } from './ops-controller.js';
import { deadLetterErrors as errors } from './ops.errors.js';
import { remark, rowId } from './schemas.js';
import { traceIdIn } from './trace.js';

const letterView = z.object({
  id: z.string(),
  status: z.enum(deadLetterStatuses),
  kind: z.enum(['event', 'command', 'reply']),
  topic: z.string(),
  partition: z.int(),
  offset: z.string(),
  key: z.string(),
  type: z.string().optional(),
  messageId: z.string().optional(),
  reason: z.enum(deadLetterReasons),
  error: z.string(),
  attempts: z.int(),
  createdAt: z.iso.datetime(),
  settledAt: z.iso.datetime().optional(),
  /** What the operator said who discarded it. */
  note: z.string().optional(),
  /** The first open letter of its key: that one is replayed first. */
  waitsFor: z.string().optional(),
  /** Open letters of its key that are replayed after it. */
  behind: z.int(),
  /** The trace in which it was sent, and the one in which it was dealt with. */
  traceId: z.string().optional(),
  replayTraceId: z.string().optional(),
});
type LetterView = z.output<typeof letterView>;

const wholeLetter = letterView.extend({ headers: z.record(z.string(), z.string()), payload: z.string() });

const outcome = z.object({
  id: z.string(),
  outcome: z.enum(['REPLAYED', 'DUPLICATE', 'FAILED', 'DISCARDED', 'ALREADY']),
  error: z.string().optional(),
});
const settlement = z.object({
  /** What became of the letter that was asked for, then of those behind it, in their order. */
  letters: z.array(outcome),
  /** Open letters of the key. 0: its new events pass again. */
  left: z.int(),
  /** The one whose turn it is. */
  next: z.string().optional(),
});
type Settlement = z.output<typeof settlement>;

const query = pageQuery.extend({ status: z.enum(deadLetterStatuses).optional(), topic: z.string().min(1).max(249).optional() });
const reasoning = z.object({ note: remark.optional() }).default({});

/** ms after which a request begins no more letters: less than a handler may take. */
const LONGEST = 20_000;

/** Messages that could not be handled. */
@OpsController('dead-letters')
export class DeadLettersController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(DeadLetterOperations) private readonly letters: DeadLetterOperations,
  ) {}

  /** In the order in which they were set aside. */
  @Get()
  @Answers(200, pageOf(letterView))
  async list(@Query({ schema: query }) { limit, cursor, status, topic }: z.output<typeof query>) {
    const after = decodeCursor(cursor, rowId);
    const filter = { limit: limit + 1, ...(after && { after }), ...(status && { status }), ...(topic && { topic }) };
    const { items, nextCursor } = page(await this.letters.list(this.database.primary, filter), limit, ({ id }) => id);
    return { items: items.map(viewOf), nextCursor };
  }

  @Get(':id')
  @Answers(200, wholeLetter, [errors.NOT_FOUND])
  async show(@Param('id', { schema: rowId }) id: string) {
    const letter = await this.letters.find(this.database.primary, id).catch(told(id));
    return { ...viewOf(letter), headers: letter.headers, payload: letter.payload };
  }

  /** The letter, then those that wait behind it, each in a transaction of its own; it stops at the first that fails again. */
  @Post(':id/replay')
  @HttpCode(200)
  @Answers(200, settlement, [errors.NOT_FOUND, errors.SETTLED, errors.WAITS, errors.IS_COMMAND, errors.NOT_SUBSCRIBED])
  replay(@Param('id', { schema: rowId }) id: string, @Audited() write: AuditedWrite): Promise<Settlement> {
    return this.replayFrom(id, write);
  }

  /** Gives a letter up. If it was the first of its key, those behind it are replayed. */
  @Post(':id/discard')
  @HttpCode(200)
  @Answers(200, settlement, [errors.NOT_FOUND, errors.SETTLED])
  async discard(
    @Param('id', { schema: rowId }) id: string,
    @Body({ schema: reasoning }) body: z.output<typeof reasoning>,
    @Audited() write: AuditedWrite,
  ): Promise<Settlement> {
    const discarded = await write
      .run(async (tx, note) => {
        note({ letter: id, ...(body.note && { note: body.note }) });
        const done = await this.letters.discard(tx, id, body.note);
        note({ came: done.outcome });
        return done;
      })
      .catch(told(id));
    if (!discarded.wasFirst || discarded.next === undefined) return settlementOf([discarded]);
    return this.replayFrom(discarded.next, write, [discarded]);
  }

  private async replayFrom(id: string, write: AuditedWrite, done: LetterOutcome[] = []): Promise<Settlement> {
    const until = Date.now() + LONGEST;
    for (let next: string | undefined = id; next !== undefined && Date.now() < until;) {
      const letter: string = next;
      const came = await write
        .run(async (tx, note) => {
          note({ letter });
          const result = await this.letters.replay(tx, letter);
          note({ came: result.outcome, ...(result.error && { error: result.error }) });
          return result;
        })
        .catch(told(letter));
      done.push(came);
      next = came.outcome === 'REPLAYED' || came.outcome === 'DUPLICATE' ? came.next : undefined;
    }
    return settlementOf(done);
  }
}

function settlementOf(done: readonly LetterOutcome[]): Settlement {
  const { left, next } = done.at(-1)!;
  const letters = done.map(({ id, outcome, error }) => ({ id, outcome, ...(error && { error }) }));
  return { letters, left, ...(next !== undefined && { next }) };
}

function viewOf(letter: ListedLetter): LetterView {
  const { id, status, topic, partition, offset, key, type, messageId, reason, error, attempts, waitsFor, behind, note } = letter;
  const traceId = traceIdIn(letter.headers['traceparent']) ?? letter.traceId;
  return {
    ...{ id, status, kind: kindOf(topic), topic, partition, offset, key, reason, error, attempts, behind },
    createdAt: letter.createdAt.toISOString(),
    ...(type && { type }),
    ...(messageId && { messageId }),
    ...(letter.settledAt && { settledAt: letter.settledAt.toISOString() }),
    ...(note && { note }),
    ...(waitsFor && { waitsFor }),
    ...(traceId && { traceId }),
    ...(letter.replayTraceId && { replayTraceId: letter.replayTraceId }),
  };
}

/** What the library refuses, as a problem. */
const told =
  (id: string) =>
  (error: unknown): never => {
    if (!(error instanceof OperationRefusedError)) throw error;
    const { code, members } = error;
    const problems: Record<string, () => ProblemError> = {
      DEAD_LETTER_NOT_FOUND: () => errors.NOT_FOUND(id),
      DEAD_LETTER_SETTLED: () => errors.SETTLED(id),
      DEAD_LETTER_WAITS: errors.WAITS,
      DEAD_LETTER_IS_COMMAND: errors.IS_COMMAND,
      DEAD_LETTER_NOT_SUBSCRIBED: errors.NOT_SUBSCRIBED,
    };
    throw problems[code]?.().with({ letter: id, ...members }) ?? error;
  };
