import type { Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SagaNotFoundError } from './errors.js';
import type { SagaFailure } from './definition.js';
import type { Direction } from './record.js';
import { SagaRuntime } from './runtime.js';
import type { SagaView, TimelineEntry } from './sagas.js';
import type { SagaStatus } from './status.js';

/** A saga in a list. */
export interface ListedSaga {
  id: string;
  definition: string;
  status: SagaStatus;
  step: string;
  direction: Direction;
  /** How often the step was tried since it was entered or resumed. */
  attempts: number;
  failure: SagaFailure | null;
  createdAt: Date;
  /** When it last moved: of a stuck one, since when it is stuck. */
  updatedAt: Date;
  traceparent: string | null;
}

export interface SagaFilter {
  /** Without it those that have not ended. */
  status?: SagaStatus;
  definition?: string;
  /** Those that started after it, by time and then by id. */
  after?: { createdAt: Date; id: string };
  limit: number;
}

const LIST = `
SELECT id, definition, status, step_name AS step, direction, attempts, failure, created_at AS "createdAt", updated_at AS "updatedAt",
  trace ->> 'traceparent' AS traceparent
FROM saga
WHERE CASE WHEN $1::text IS NULL THEN finished_at IS NULL ELSE status = $1 END
  AND ($2::text IS NULL OR definition = $2)
  AND ($3::timestamptz IS NULL OR (date_trunc('milliseconds', created_at), id) > ($3, $4::uuid))
ORDER BY date_trunc('milliseconds', created_at), id LIMIT $5`;

/** Sagas for operators. */
@Injectable()
export class SagaOperations {
  constructor(private readonly runtime: SagaRuntime) {}

  /** The longest under way first. One that is archived is found by its id only. */
  list(manager: EntityManager, { status, definition, after, limit }: SagaFilter): Promise<ListedSaga[]> {
    return manager.query(LIST, [status ?? null, definition ?? null, after?.createdAt ?? null, after?.id ?? null, limit]);
  }

  /** Throws `SagaNotFoundError`. */
  async show(manager: EntityManager, id: string): Promise<SagaView & { timeline: TimelineEntry[] }> {
    const { store } = this.runtime;
    const saga = (await store.findAll(manager, [id])).get(id);
    if (!saga) throw new SagaNotFoundError(id);
    return { ...saga, timeline: (await store.timelines(manager, [id])).get(id) ?? [] };
  }

  /** Sets a `STUCK` saga going from where it stands. Throws `SagaNotFoundError`, `SagaNotStuckError`, `UnregisteredSagaError`. */
  async resume(tx: Tx, id: string): Promise<void> {
    await this.show(tx, id);
    await this.runtime.resume(tx, id);
  }

  /**
   * Ends a `STUCK` saga as `ABANDONED`, for a reason, and runs its `onRejected` with the code `ABANDONED`. Nothing that its steps did is
   * taken back. Throws as `resume` does, and `SagaNotClosedError` when `onRejected` fails: the saga is stuck as before then.
   */
  async abandon(tx: Tx, id: string, reason: string): Promise<void> {
    await this.show(tx, id);
    await this.runtime.abandon(tx, id, reason);
  }
}
