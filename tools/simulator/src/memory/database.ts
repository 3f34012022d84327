import { NotInTransactionError, requireTransaction, type Tx } from '@ballast/database';
import { openScope, type TransactionScope } from '@ballast/database/parts';

/** An error as the server would send it. */
export class ServerError extends Error {
  readonly severity = 'ERROR';
  constructor(
    /** The SQLSTATE. */
    readonly code: string,
    message: string,
    readonly constraint?: string,
  ) {
    super(message);
  }
}

interface Running {
  tx: Tx;
  scope: TransactionScope;
  undo: (() => void)[];
  /** Run when it commits, whether or not anybody hears of it. */
  applied: (() => void)[];
  /** Constraints that are looked at last. */
  deferred: (() => void)[];
}

/**
 * A database in memory. Its transactions run one after the other, each whole before the next begins, so they are serialisable; a
 * rollback takes back what was written. Outside of a transaction each write stands by itself.
 */
export class MemoryDatabase {
  private running?: Running;

  constructor(
    readonly name: string,
    /** The database's own clock, in milliseconds since 1970. */
    readonly clock: () => number,
  ) {}

  now(): Date {
    return new Date(this.clock());
  }

  get inTransaction(): boolean {
    return this.running !== undefined;
  }

  table<K, V extends object>(): Table<K, V> {
    return new Table<K, V>(this);
  }

  /** For the tables: how to take a write back. */
  wrote(undo: () => void): void {
    this.running?.undo.push(undo);
  }

  /** Throws unless `tx` is the transaction that runs, here. */
  require(tx: Tx): void {
    requireTransaction(tx);
    if (tx.queryRunner !== this.running?.tx.queryRunner) throw new NotInTransactionError(`not a transaction of ${this.name}`);
  }

  /** Runs when the transaction commits, even when the answer is lost. */
  onApplied(tx: Tx, work: () => void): void {
    this.require(tx);
    this.running!.applied.push(work);
  }

  deferred(tx: Tx, constraint: () => void): void {
    this.require(tx);
    this.running!.deferred.push(constraint);
  }

  /** Runs `work` inside the transaction in such a way that a rollback does not take it back. No database does: for planted bugs. */
  async forGood(work: () => Promise<void>): Promise<void> {
    const { undo } = this.running!;
    const mark = undo.length;
    await work();
    undo.length = mark;
  }

  /** Runs `work` in a transaction, up to where COMMIT is sent. */
  async begin<T>(work: (tx: Tx) => Promise<T>): Promise<{ result: T; commit(): () => void; rollback(): void }> {
    if (this.running) throw new Error(`${this.name}: two transactions at once; one waits for something outside of it`);
    const runner = {};
    const tx = {
      queryRunner: runner,
      transaction: (inner: (tx: Tx) => Promise<unknown>) => this.savepoint(inner),
    } as unknown as Tx;
    const scope = openScope(runner as Parameters<typeof openScope>[0]);
    this.running = { tx, scope, undo: [], applied: [], deferred: [] };
    try {
      const result = await work(tx);
      await scope.runBefore(tx);
      return { result, commit: () => this.commit(), rollback: () => this.rollback() };
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** Throws what a deferred constraint says, rolled back; else gives what is to be done once the answer has arrived. */
  private commit(): () => void {
    const { scope, applied, deferred } = this.running!;
    try {
      for (const constraint of deferred) constraint();
    } catch (error) {
      this.rollback();
      throw error;
    }
    void scope.end();
    this.running = undefined;
    for (const work of applied) work();
    return () => scope.after.forEach((hook) => hook());
  }

  private rollback(): void {
    const { undo, scope } = this.running!;
    void scope.end();
    this.running = undefined;
    for (let i = undo.length - 1; i >= 0; i--) undo[i]!();
  }

  private async savepoint<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const { tx, scope, undo, applied, deferred } = this.running!;
    const marks = [undo.length, applied.length, deferred.length] as const;
    scope.enterSavepoint();
    try {
      const result = await work(tx);
      scope.leaveSavepoint('released');
      return result;
    } catch (error) {
      for (let i = undo.length - 1; i >= marks[0]; i--) undo[i]!();
      undo.length = marks[0];
      applied.length = marks[1];
      deferred.length = marks[2];
      scope.leaveSavepoint('rolled back');
      throw error;
    }
  }
}

/** Rows by key. A row is replaced, never changed: whoever holds one sees it as it was read. */
export class Table<K, V extends object> {
  private readonly rows = new Map<K, Readonly<V>>();
  private readonly indices: Index<K, V>[] = [];

  constructor(private readonly database: MemoryDatabase) {}

  get size(): number {
    return this.rows.size;
  }

  get(key: K): Readonly<V> | undefined {
    return this.rows.get(key);
  }

  has(key: K): boolean {
    return this.rows.has(key);
  }

  /** In the order in which they were first written. */
  values(): IterableIterator<Readonly<V>> {
    return this.rows.values();
  }

  /** Keeps the rows by another value too, from now on; those of which it is undefined are left out, as by a partial index. */
  indexed<I>(by: (row: Readonly<V>) => I | undefined): Lookup<I, V> {
    const index = new Index<K, V, I>(this.rows, by);
    this.indices.push(index as Index<K, V>);
    return index;
  }

  put(key: K, row: Readonly<V>): void {
    const before = this.rows.get(key);
    this.replace(key, before, row);
    this.database.wrote(() => this.replace(key, row, before));
  }

  /** Changes some columns of a row; false when there is none. */
  update(key: K, change: Partial<V>): boolean {
    const row = this.rows.get(key);
    if (row) this.put(key, { ...row, ...change });
    return row !== undefined;
  }

  /** What a primary key does; `false` is ON CONFLICT DO NOTHING. */
  insert(key: K, row: Readonly<V>): boolean {
    if (this.rows.has(key)) return false;
    this.put(key, row);
    return true;
  }

  delete(key: K): boolean {
    const row = this.rows.get(key);
    if (!row) return false;
    this.replace(key, row, undefined);
    // Puts it last, not where it was: no table here is read in an order that this could change, but by key or sorted.
    this.database.wrote(() => this.replace(key, undefined, row));
    return true;
  }

  private replace(key: K, before: Readonly<V> | undefined, row: Readonly<V> | undefined): void {
    if (row) this.rows.set(key, row);
    else this.rows.delete(key);
    for (const index of this.indices) index.moved(key, before, row);
  }
}

const NONE: readonly never[] = [];

/** The rows of a value. */
export interface Lookup<I, V> {
  readonly empty: boolean;
  of(value: I): readonly Readonly<V>[];
  some(value: I, condition: (row: Readonly<V>) => boolean): boolean;
}

class Index<K, V extends object, I = unknown> implements Lookup<I, V> {
  private readonly keys = new Map<I, Set<K>>();

  constructor(
    private readonly rows: ReadonlyMap<K, Readonly<V>>,
    private readonly by: (row: Readonly<V>) => I | undefined,
  ) {}

  get empty(): boolean {
    return this.keys.size === 0;
  }

  of(value: I): readonly Readonly<V>[] {
    const keys = this.keys.get(value);
    if (!keys) return NONE;
    const rows: Readonly<V>[] = [];
    for (const key of keys) rows.push(this.rows.get(key)!);
    return rows;
  }

  some(value: I, condition: (row: Readonly<V>) => boolean): boolean {
    const keys = this.keys.get(value);
    if (keys) for (const key of keys) if (condition(this.rows.get(key)!)) return true;
    return false;
  }

  moved(key: K, before: Readonly<V> | undefined, row: Readonly<V> | undefined): void {
    const from = before && this.by(before);
    const to = row && this.by(row);
    if (from === to) return;
    if (from !== undefined) this.drop(from, key);
    if (to === undefined) return;
    const keys = this.keys.get(to);
    if (keys) keys.add(key);
    else this.keys.set(to, new Set([key]));
  }

  private drop(value: I, key: K): void {
    const keys = this.keys.get(value)!;
    keys.delete(key);
    if (keys.size === 0) this.keys.delete(value);
  }
}
