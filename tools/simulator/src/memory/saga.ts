import type { Tx } from '@ballast/database';
import type { IncomingReply } from '@ballast/messaging';
import type { SagaNews, SagaRecord, SagaStatus, SagaView, TimelineEntry } from '@ballast/saga';
import {
  isFinished,
  LONGEST_TICK,
  type DueSaga,
  type LockedSaga,
  type ParkedReply,
  type ParkedReplyStore,
  type SagaStore,
  type SavedProgress,
} from '@ballast/saga/parts';
import type { Idle } from '../connection.js';
import type { Lookup, MemoryDatabase, Table } from './database.js';

interface SagaRow {
  /** The whole record, as a column would hold it: a state must survive it. */
  json: string;
  record: Omit<SagaRecord, 'state'>;
  stepName: string;
  createdAt: Date;
  finishedAt?: Date;
}

type Entry = TimelineEntry & { seq: number };

/** The tables of `@ballast/saga` in memory. */
export class SagaTables {
  readonly sagas: Table<string, SagaRow>;
  /** Sagas with a timer, by definition. */
  readonly timed: Lookup<string, SagaRow>;
  readonly history: Table<string, Entry[]>;
  readonly parked: Table<string, ParkedReply & { error?: string }>;
  readonly clock: Table<'one', { workingMs: number; tickedAt: number }>;
  parkedId = 0;

  constructor(readonly database: MemoryDatabase) {
    this.sagas = database.table();
    this.timed = this.sagas.indexed(({ record: { definition, timerAt } }) => (timerAt === null ? undefined : definition));
    this.history = database.table();
    this.parked = database.table();
    this.clock = database.table();
    this.clock.put('one', { workingMs: 0, tickedAt: this.now });
  }

  get now(): number {
    return this.database.clock();
  }
}

/** JSON there and back, as in a column. */
const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const columnsOf = (record: SagaRecord): Pick<SagaRow, 'json' | 'record'> => ({ json: JSON.stringify(record), record });
const read = ({ json }: SagaRow): SagaRecord => JSON.parse(json) as SagaRecord;

export class MemorySagaStore implements SagaStore {
  readonly idle: Idle<SagaStore> = {
    due: (definitions) => !definitions.some((definition) => this.tables.timed.some(definition, this.isDue)),
  };

  constructor(private readonly tables: SagaTables) {}

  async insert(tx: Tx, record: SagaRecord, stepName: string): Promise<LockedSaga | null> {
    this.tables.database.require(tx);
    // `awaiting`, `timer_at` and `failure` are not columns of the INSERT either.
    const row = {
      ...columnsOf({ ...record, awaiting: null, timerAt: null, failure: null }),
      stepName,
      createdAt: this.tables.database.now(),
    };
    return this.tables.sagas.insert(record.id, row) ? this.locked(row) : null;
  }

  async lock(tx: Tx, id: string): Promise<LockedSaga | null> {
    this.tables.database.require(tx);
    const row = this.tables.sagas.get(id);
    return row ? this.locked(row) : null;
  }

  async lockDue(tx: Tx, id: string): Promise<LockedSaga | null> {
    this.tables.database.require(tx);
    const row = this.tables.sagas.get(id);
    return row && this.isDue(row) ? this.locked(row) : null;
  }

  async save(tx: Tx, { record, stepName, history, traceId }: SavedProgress): Promise<void> {
    this.tables.database.require(tx);
    const { sagas, database } = this.tables;
    const row = sagas.get(record.id)!;
    sagas.put(record.id, {
      ...columnsOf(record),
      stepName,
      createdAt: row.createdAt,
      ...(isFinished(record) && { finishedAt: database.now() }),
    });
    const known = this.tables.history.get(record.id) ?? [];
    const first = record.entries - history.length + 1;
    const entries = history.map((entry, i) => ({ ...entry, seq: first + i, at: database.now(), ...(traceId && { traceId }) }));
    this.tables.history.put(record.id, [...known, ...entries]);
  }

  async due(definitions: readonly string[], limit: number, after?: DueSaga): Promise<DueSaga[]> {
    return definitions
      .flatMap((definition) => this.tables.timed.of(definition).filter(this.isDue))
      .map(({ record: { id, timerAt } }) => ({ id, timerAt: timerAt! }))
      .sort(byPlace)
      .filter((saga) => !after || byPlace(saga, after) > 0)
      .slice(0, limit);
  }

  async postpone(id: string, byMs: number): Promise<void> {
    const row = this.tables.sagas.get(id);
    const timerAt = row?.record.timerAt ?? null;
    if (row && timerAt !== null && timerAt <= this.ticked)
      this.tables.sagas.put(id, { ...row, ...columnsOf({ ...read(row), timerAt: timerAt + byMs }) });
  }

  async tick(intervalMs: number): Promise<void> {
    const { workingMs, tickedAt } = this.tables.clock.get('one')!;
    if (Math.abs(this.tables.now - tickedAt) < intervalMs * 0.9 || this.tables.timed.empty) return;
    this.tables.clock.put('one', { workingMs: workingMs + this.sinceTick(), tickedAt: this.tables.now });
  }

  async census(): Promise<{ definition: string; status: SagaStatus; count: number }[]> {
    const counts = new Map<string, { definition: string; status: SagaStatus; count: number }>();
    for (const { record, finishedAt } of this.tables.sagas.values()) {
      if (finishedAt) continue;
      const { definition, status } = record;
      const key = `${definition}\0${status}`;
      counts.set(key, { definition, status, count: (counts.get(key)?.count ?? 0) + 1 });
    }
    return [...counts.values()];
  }

  async findAll(_manager: unknown, ids: readonly string[]): Promise<Map<string, SagaView>> {
    const views = new Map<string, SagaView>();
    for (const id of ids) {
      const row = this.tables.sagas.get(id);
      if (row) views.set(id, viewOf(row));
    }
    return views;
  }

  async timelines(_manager: unknown, ids: readonly string[]): Promise<Map<string, TimelineEntry[]>> {
    const timelines = new Map<string, TimelineEntry[]>();
    for (const id of [...ids].sort()) {
      const entries = this.tables.history.get(id);
      if (entries)
        timelines.set(
          id,
          entries.map(({ seq: _seq, ...entry }) => entry),
        );
    }
    return timelines;
  }

  async news(_manager: unknown, since: ReadonlyMap<string, number>): Promise<Map<string, SagaNews>> {
    const news = new Map<string, SagaNews>();
    for (const [id, seen] of [...since].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const row = this.tables.sagas.get(id);
      const entries = (this.tables.history.get(id) ?? []).filter(({ seq }) => seq > seen);
      if (!row || !entries.length) continue;
      const { status, failure } = row.record;
      news.set(id, { status, ...(failure && { failure }), entries: [...entries] });
    }
    return news;
  }

  /** Where the working clock stood at its last tick: what a timer is compared with. */
  private get ticked(): number {
    return this.tables.clock.get('one')!.workingMs;
  }

  private sinceTick(): number {
    return Math.max(0, Math.min(LONGEST_TICK, this.tables.now - this.tables.clock.get('one')!.tickedAt));
  }

  private readonly isDue = ({ record: { id, timerAt } }: SagaRow): boolean =>
    timerAt !== null && timerAt <= this.ticked && !this.replyWaits(id);

  private replyWaits(id: string): boolean {
    for (const { sagaId, error } of this.tables.parked.values()) if (sagaId === id && error === undefined) return true;
    return false;
  }

  private locked(row: SagaRow): LockedSaga {
    return { record: read(row), now: this.ticked + this.sinceTick(), createdAt: row.createdAt };
  }
}

const byPlace = (a: DueSaga, b: DueSaga): number => a.timerAt - b.timerAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function viewOf(row: SagaRow): SagaView {
  const { stepName, createdAt, finishedAt } = row;
  const { id, definition, state, status, failure } = read(row);
  const step = finishedAt ? { finishedAt } : { step: stepName };
  return { id, definition, state, status, ...(failure && { failure }), createdAt, ...step };
}

export class MemoryParkedReplyStore implements ParkedReplyStore {
  readonly idle: Idle<ParkedReplyStore> = { waiting: () => this.tables.parked.size === 0 };

  constructor(private readonly tables: SagaTables) {}

  async park(tx: Tx, { sagaId, commandId, commandType, reply, trace }: IncomingReply): Promise<void> {
    this.tables.database.require(tx);
    const id = String(++this.tables.parkedId);
    this.tables.parked.put(id, { id, ...stored({ sagaId, commandId, commandType, reply, trace }) });
  }

  async waiting(definitions: readonly string[], limit: number): Promise<ParkedReply[]> {
    const waiting: ParkedReply[] = [];
    for (const { error, ...parked } of this.tables.parked.values()) {
      const saga = this.tables.sagas.get(parked.sagaId);
      if (error === undefined && saga && definitions.includes(saga.record.definition)) waiting.push(parked);
    }
    return waiting.sort((a, b) => Number(a.id) - Number(b.id)).slice(0, limit);
  }

  async take(tx: Tx, id: string): Promise<boolean> {
    this.tables.database.require(tx);
    return this.tables.parked.delete(id);
  }

  async refuse(id: string, error: string): Promise<void> {
    this.tables.parked.update(id, { error });
  }

  async count(): Promise<number> {
    return this.tables.parked.size;
  }
}
