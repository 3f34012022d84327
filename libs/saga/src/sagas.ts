import type { Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AnySaga, SagaDefinition, SagaFailure } from './definition.js';
import { SagaRuntime } from './runtime.js';
import type { HistoryOutcome, SagaStatus } from './status.js';

/** One line of a saga's history. */
export interface TimelineEntry {
  /** The step's name; of `started`, `completed`, `compensated` and `abandoned` the saga's. */
  step: string;
  outcome: HistoryOutcome;
  at: Date;
  /** Of a failure: its code. */
  code?: string;
  traceId?: string;
}

/** What is new in a saga since an entry of its history. */
export interface SagaNews {
  status: SagaStatus;
  /** Why it was rejected, or why it is stuck. */
  failure?: SagaFailure;
  /** In their order. `seq` counts a saga's entries from 1, without gaps. */
  entries: (TimelineEntry & { seq: number })[];
}

/** A saga as the outside sees it. */
export interface SagaView<S = unknown> {
  id: string;
  definition: string;
  /** Undefined when it ended so long ago that only its history is left. */
  state?: S;
  status: SagaStatus;
  /** The step it stands at; undefined when it has ended. */
  step?: string;
  /** Why it was rejected, why it is stuck, or why it was abandoned. */
  failure?: SagaFailure;
  createdAt: Date;
  finishedAt?: Date;
}

/** Starts sagas, shows them, and sets stuck ones going again. */
@Injectable()
export class Sagas {
  constructor(private readonly runtime: SagaRuntime) {}

  /**
   * Starts a saga in the caller's transaction: it exists, and its first command is sent, if and only if that commits. `id` is a
   * UUID of the caller's choice; a second start with one id changes nothing, so a redelivered event may start again.
   * Throws when the definition is not one of a `@Saga()` provider of this service.
   */
  start<S extends object>(tx: Tx, definition: SagaDefinition<S>, id: string, state: S): Promise<void> {
    return this.runtime.start(tx, definition as AnySaga, id, state);
  }

  /** The saga, or null. Read it from `db.primary`, or inside a transaction. */
  async find<S = unknown>(manager: EntityManager, id: string): Promise<SagaView<S> | null> {
    return ((await this.findAll(manager, [id])).get(id) as SagaView<S> | undefined) ?? null;
  }

  /** Several sagas by id; an id that is not known is left out. */
  findAll(manager: EntityManager, ids: readonly string[]): Promise<Map<string, SagaView>> {
    return this.runtime.store.findAll(manager, ids);
  }

  /** A saga's history in its order; empty when it is not known. */
  async timeline(manager: EntityManager, id: string): Promise<TimelineEntry[]> {
    return (await this.timelines(manager, [id])).get(id) ?? [];
  }

  /** The histories of several sagas in one query, by id. */
  timelines(manager: EntityManager, ids: readonly string[]): Promise<Map<string, TimelineEntry[]>> {
    return this.runtime.store.timelines(manager, ids);
  }

  /**
   * What is new in several sagas, in one query: `since` has the number of the last entry that is known of each, 0 for none. A saga
   * without a new entry is left out, as is one that does not exist. Status and entries are of one moment, and the status changes only
   * with an entry, so polling this misses nothing.
   */
  news(manager: EntityManager, since: ReadonlyMap<string, number>): Promise<Map<string, SagaNews>> {
    return this.runtime.store.news(manager, since);
  }

  /** Sets a `STUCK` saga going from where it stands, with all its tries again. Throws `SagaNotStuckError` for any other. */
  resume(tx: Tx, id: string): Promise<void> {
    return this.runtime.resume(tx, id);
  }
}
