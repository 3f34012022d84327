import type { EntityManager, QueryRunner } from 'typeorm';
import { NotInTransactionError } from './errors.js';
import { snapshot } from './snapshot.js';

declare const inTransaction: unique symbol;
/** A TypeORM entity manager inside a transaction of `Database.transaction`: what writing and publishing ask for. */
export type Tx = EntityManager & { readonly [inTransaction]: true };

type Hook = (tx: Tx) => Promise<void>;

export interface Statement {
  readonly text: string;
  readonly values: unknown[];
  /** By which each connection keeps it parsed; else that of `prepared`, if it has one. */
  readonly name?: string;
}

/** What belongs to one running transaction. */
export class TransactionScope {
  private isActive = true;
  readonly before = new Map<object, Hook>();
  readonly after: (() => void)[] = [];
  readonly last: Statement[] = [];
  readonly state = new Map<object, unknown>();
  private readonly savepoints: (() => void)[] = [];
  private readonly running = new Set<Promise<unknown>>();

  requireActive(): void {
    if (!this.isActive) throw new NotInTransactionError('this transaction has ended; was a promise inside it not awaited?');
  }

  /**
   * Sends a statement of this transaction, which does not end before it is answered. The other branch of a `Promise.all` that failed may be on its
   * way to the connection: behind COMMIT or ROLLBACK its statement would be a transaction of its own.
   */
  run<T>(send: () => Promise<T>): Promise<T> {
    this.requireActive();
    const running = send().finally(() => this.running.delete(running));
    this.running.add(running);
    return running;
  }

  /** From here on no statement begins; resolves when none is on its way. */
  async end(): Promise<void> {
    this.isActive = false;
    await Promise.allSettled(this.running);
  }

  get depth(): number {
    return this.savepoints.length;
  }

  enterSavepoint(): void {
    this.savepoints.push(snapshot([this.before, this.after, this.last, this.state]));
  }

  leaveSavepoint(outcome: 'released' | 'rolled back'): void {
    const restore = this.savepoints.pop();
    if (outcome === 'rolled back') restore?.();
  }

  /** Runs what is registered until nothing is left; a hook may register more. */
  async runBefore(tx: Tx): Promise<void> {
    for (let next = this.before.entries().next(); !next.done; next = this.before.entries().next()) {
      const [key, hook] = next.value;
      this.before.delete(key);
      await hook(tx);
    }
  }
}

/** Keyed by the query runner: every manager and repository that shares the transaction shares it. */
const scopes = new WeakMap<QueryRunner, TransactionScope>();

export function openScope(runner: QueryRunner): TransactionScope {
  const scope = new TransactionScope();
  scopes.set(runner, scope);
  return scope;
}

export function scopeOf(tx: EntityManager): TransactionScope {
  const scope = tx.queryRunner && scopes.get(tx.queryRunner);
  if (!scope) throw new NotInTransactionError();
  scope.requireActive();
  return scope;
}

/** Throws `NotInTransactionError` for a manager outside of a transaction, or after its end. */
export function requireTransaction(tx: EntityManager): asserts tx is Tx {
  scopeOf(tx);
}

/**
 * Runs `hook` inside the transaction, just before COMMIT, in order of registration; an error rolls back. One hook per `key`:
 * while one waits, another of the same key is ignored; once it ran (hooks may register hooks), the key is free again.
 */
export function beforeCommit(tx: Tx, key: object, hook: Hook): void {
  const { before } = scopeOf(tx);
  if (!before.has(key)) before.set(key, hook);
}

/**
 * Sends the statement right before COMMIT, and COMMIT without waiting for its answer: both are one round trip. When it fails, nothing is
 * committed and the transaction throws its error.
 */
export function withCommit(tx: Tx, text: string, values: unknown[]): void {
  scopeOf(tx).last.push({ text, values });
}

/** Runs `hook` after an acknowledged commit, never after a rollback or an unknown outcome. Its error is logged, not thrown. */
export function afterCommit(tx: Tx, hook: () => void): void {
  scopeOf(tx).after.push(hook);
}

/**
 * Scratch space of this transaction. A savepoint that is rolled back (`tx.transaction`) takes arrays, Maps, Sets and plain
 * objects back to what they held when it began.
 */
export function txState<T>(tx: Tx, key: object, init: () => T): T {
  const { state } = scopeOf(tx);
  if (!state.has(key)) state.set(key, init());
  return state.get(key) as T;
}
