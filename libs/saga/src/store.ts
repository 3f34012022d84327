import type { Tx } from '@ballast/database';
import type { EntityManager } from 'typeorm';
import type { HistoryEntry, SagaRecord } from './record.js';
import type { SagaNews, SagaView, TimelineEntry } from './sagas.js';
import type { SagaStatus } from './status.js';

/** A record that the transaction holds locked, and what the working clock said then. */
export interface LockedSaga {
  record: SagaRecord;
  /** Milliseconds of the working clock. */
  now: number;
  createdAt: Date;
}

/** A saga by its place among those that are due. */
export interface DueSaga {
  id: string;
  /** Milliseconds of the working clock. */
  timerAt: number;
}

export interface SavedProgress {
  record: SagaRecord;
  /** The name of the step it stands at. */
  stepName: string;
  history: readonly HistoryEntry[];
  traceId?: string;
}

/** Where sagas are kept. The engine holds no state of its own between two transactions. */
export interface SagaStore {
  /** Adds a saga and locks it; null when one with its id exists. */
  insert(tx: Tx, record: SagaRecord, stepName: string): Promise<LockedSaga | null>;
  /** Waits for the saga's row lock; null when there is no such saga. */
  lock(tx: Tx, id: string): Promise<LockedSaga | null>;
  /** Null when its timer is not due any more, or somebody else works on it. */
  lockDue(tx: Tx, id: string): Promise<LockedSaga | null>;
  /** Writes a locked saga back, with what is new in its history. */
  save(tx: Tx, progress: SavedProgress): Promise<void>;
  /** Sagas whose timers are due, the longest due first; those behind `after` in that order. */
  due(definitions: readonly string[], limit: number, after?: DueSaga): Promise<DueSaga[]>;
  /** Puts a saga's timer off. */
  postpone(id: string, byMs: number): Promise<void>;
  /** Lets the working clock go on, if a tick is due and a timer is waiting. Safe to call from several processes. */
  tick(intervalMs: number): Promise<void>;
  /** How many unfinished sagas there are. */
  census(): Promise<{ definition: string; status: SagaStatus; count: number }[]>;
  findAll(manager: EntityManager, ids: readonly string[]): Promise<Map<string, SagaView>>;
  timelines(manager: EntityManager, ids: readonly string[]): Promise<Map<string, TimelineEntry[]>>;
  /** Sagas with more entries than `since` says, in one statement. */
  news(manager: EntityManager, since: ReadonlyMap<string, number>): Promise<Map<string, SagaNews>>;
}

/** The most that one tick adds to the working clock: what passed beyond it was an outage. */
export const LONGEST_TICK = 2_000;
