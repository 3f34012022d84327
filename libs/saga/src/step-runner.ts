import { isTransient, type Tx } from '@ballast/database';
import { repliesTopic, type AnyCommand, type CommandDraft, type Reply } from '@ballast/message';
import { Outbox, Refused } from '@ballast/messaging';
import { inSpan, logger, recordError } from '@ballast/tracing';
import { Inject, Injectable } from '@nestjs/common';
import { callStep, isPromise } from './advance.js';
import { STEP_FAILED, type Perform } from './decide.js';
import type { AnySaga } from './definition.js';
import { SAGA_OPTIONS, type ResolvedSagaOptions } from './options.js';
import type { SagaRecord } from './record.js';

const DONE: Reply = { outcome: 'succeeded', result: {} };

/** Carries steps out: sends the command, or does the local work inside a savepoint, so that work that fails leaves nothing behind. */
@Injectable()
export class StepRunner {
  /** Steps that sent a command the last time, as most do: they need no savepoint, which would cost two round trips. */
  private readonly senders = new Set<string>();

  constructor(
    private readonly outbox: Outbox,
    @Inject(SAGA_OPTIONS) private readonly options: ResolvedSagaOptions,
  ) {}

  /** Rejects only when a repetition may help: the database is away, or another transaction was in the way. */
  run(tx: Tx, definition: AnySaga, perform: Perform, record: SagaRecord, parent?: Record<string, string>): Promise<'sent' | Reply> {
    const { direction, name } = perform;
    const attributes = { 'saga.id': record.id, 'saga.definition': definition.name, 'saga.step': name, 'saga.direction': direction };
    const title = `saga ${definition.name}: ${direction === 'backward' ? 'undo ' : ''}${name}`;
    return inSpan(title, { attributes, ...(parent && { parent }) }, async (span) => {
      const key = `${definition.name}/${direction}/${name}`;
      try {
        return this.senders.has(key)
          ? await this.unprotected(tx, key, definition, perform, record)
          : await tx.transaction((inner) => this.protectedBySavepoint(inner as Tx, key, definition, perform, record));
      } catch (error) {
        if (isTransient(error) || error instanceof UnprotectedWorkError) throw error;
        recordError(span, error);
        logger().warn({ err: error, sagaId: record.id }, `${title} failed`);
        // The text of an unknown error may hold anything; what the saga keeps is its kind.
        return error instanceof Refused
          ? { outcome: 'failed', code: error.code, message: error.message }
          : { outcome: 'failed', code: STEP_FAILED, message: error instanceof Error ? error.name : 'Error' };
      }
    });
  }

  private async protectedBySavepoint(
    tx: Tx,
    key: string,
    definition: AnySaga,
    perform: Perform,
    record: SagaRecord,
  ): Promise<'sent' | Reply> {
    const work = callStep(definition, perform, record, tx);
    if (!isPromise(work)) {
      this.senders.add(key);
      return this.send(tx, work, perform, record);
    }
    await work;
    return DONE;
  }

  private async unprotected(tx: Tx, key: string, definition: AnySaga, perform: Perform, record: SagaRecord): Promise<'sent' | Reply> {
    const work = callStep(definition, perform, record, tx);
    if (!isPromise(work)) return this.send(tx, work, perform, record);
    this.senders.delete(key);
    await work.catch((error: unknown) => {
      throw isTransient(error) ? error : new UnprotectedWorkError(key, error);
    });
    return DONE;
  }

  private async send(tx: Tx, command: CommandDraft<AnyCommand>, { commandId }: Perform, { id }: SagaRecord): Promise<'sent'> {
    await this.outbox.addCommand(tx, command, { id: commandId, key: id, sagaId: id, replyTo: repliesTopic(this.options.service) });
    return 'sent';
  }
}

/** A step that used to send a command did local work this time, and failed: everything must roll back, and the next try has a savepoint. */
class UnprotectedWorkError extends Error {
  constructor(step: string, cause: unknown) {
    super(`${step} failed without a savepoint`, { cause });
    this.name = 'UnprotectedWorkError';
  }
}
