import { QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError, type QueryRunner } from 'typeorm';
import { logger } from '@ballast/tracing';
import type { Answers } from './batch.js';
import { sqlState } from './classify.js';
import { type GuardedQueryRunner, hideValues } from './data-source.js';
import { CommitUnknownError, ConnectionLostError, TransactionAbortedError } from './errors.js';
import { streamOf } from './probe.js';
import type { TransactionClient } from './routed-client.js';
import { openScope, scopeOf, type Statement, type TransactionScope, type Tx } from './tx.js';

/** e.g. `SERIALIZABLE`; Postgres' default is READ COMMITTED. */
export type Isolation = NonNullable<Parameters<QueryRunner['startTransaction']>[0]>;

export interface TransactionSettings {
  isolation?: Isolation;
  /** Ends the transaction, a running statement included, up to COMMIT and what is sent with it. */
  signal?: AbortSignal;
}

/** Runs `work` in one transaction of `runner`, which it releases. Throws what `work` throws, or why COMMIT did not happen. */
export async function runTransaction<T>(
  runner: GuardedQueryRunner,
  work: (tx: Tx) => Promise<T>,
  options: TransactionSettings = {},
): Promise<T> {
  const { isolation, signal } = options;
  signal?.throwIfAborted();
  const tx = runner.manager as Tx;
  let broken: Error | undefined;
  let ending = false;
  // Before anything can release it: TypeORM forgets a connection that arrives after the release.
  const client = (await runner.connect()) as TransactionClient;
  // Closing the connection is what stops a running statement: the server looks for its client once a second.
  const abort = () => void runner.releasePostgresConnection(abortError(signal!));
  signal?.addEventListener('abort', abort);
  try {
    signal?.throwIfAborted();
    await begin(runner, client, isolation);
    const scope = openScope(runner);
    guardEnd(runner, scope);
    try {
      const result = await work(tx);
      await scope.runBefore(tx);
      await scope.end();
      signal?.removeEventListener('abort', abort);
      signal?.throwIfAborted();
      ending = true;
      await commit(runner, client, scope.last);
      for (const hook of scope.after) runAfter(hook);
      return result;
    } catch (error) {
      await scope.end();
      broken = await rollback(client, runner, error, ending);
      throw wasReleased(error) && runner.lost ? new ConnectionLostError(runner.lost) : error;
    }
  } catch (error) {
    if (signal?.aborted && !(error instanceof CommitUnknownError)) throw signal.reason;
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    await runner.releasePostgresConnection(broken);
  }
}

/** What TypeORM says of a statement on a connection that went away before it, while the transaction was doing something else. */
const wasReleased = (error: unknown): boolean =>
  error instanceof QueryRunnerProviderAlreadyReleasedError || error instanceof QueryRunnerAlreadyReleasedError;

const COMMIT: Statement = { name: 'COMMIT', text: 'COMMIT', values: [] };
/** The server's answers to a statement after one that failed: and to one that it would have parsed for the failed one's batch. */
const AFTER_FAILURE = ['25P02', '26000'];
const SWALLOWED = 'a statement in it had failed and its error was swallowed';

/** TypeORM takes note of the transaction; BEGIN itself goes with the first statement. */
async function begin(runner: GuardedQueryRunner, client: TransactionClient, isolation?: Isolation): Promise<void> {
  const { query } = runner;
  runner.query = () => Promise.resolve() as Promise<never>;
  try {
    await runner.startTransaction(isolation);
  } finally {
    runner.query = query;
  }
  client.announce(isolation ? `BEGIN ISOLATION LEVEL ${isolation}` : 'BEGIN');
}

/** What is sent with COMMIT is in one batch with it: Postgres does not come to COMMIT when one of them fails. */
async function commit(runner: GuardedQueryRunner, client: TransactionClient, last: readonly Statement[]): Promise<void> {
  await client.begun;
  if (runner.lost) throw new ConnectionLostError(runner.lost);
  // Nothing was done.
  if (!last.length && client.withdraw()) return;
  if (!client.isAnnounced && client.getTransactionStatus() === 'I')
    throw new TransactionAbortedError('COMMIT or ROLLBACK was sent from inside; only Database.transaction may end it');
  const answers = await client.batch([...last, COMMIT]);
  for (const [n, answer] of answers.entries()) {
    if (answer.status === 'fulfilled') continue;
    if (AFTER_FAILURE.includes(sqlState(answer.reason) ?? '')) throw new TransactionAbortedError(SWALLOWED);
    hideValues(answer.reason);
    // Whatever the server says to a statement before COMMIT, it did not come to COMMIT.
    const isKnown = n < last.length ? sqlState(answer.reason) !== undefined : refusedByServer(answer.reason, client);
    throw isKnown ? answer.reason : new CommitUnknownError(answer.reason);
  }
  const { command } = (answers.at(-1) as Extract<Answers[number], { status: 'fulfilled' }>).value;
  if (command !== 'COMMIT') throw new TransactionAbortedError(SWALLOWED);
}

/**
 * Sends the statements in one round trip and gives the rows of each. The server runs one after the other: each sees what was committed when the one
 * before it was done. Throws the error of the one that failed; those behind it were not run.
 */
export async function queryAtOnce<Rows extends readonly (unknown[] | undefined)[]>(
  tx: Tx,
  statements: readonly Statement[],
): Promise<Rows> {
  const answers = await scopeOf(tx).run(async () => ((await tx.queryRunner!.connect()) as TransactionClient).batch(statements));
  return answers.map((answer) => {
    if (answer.status === 'fulfilled') return answer.value.rows;
    hideValues(answer.reason);
    throw answer.reason;
  }) as unknown as Rows;
}

/**
 * The server answered that it did not commit (a deferred constraint, a serialization failure) and waits for what comes next. One that goes down does
 * not count. The severity would tell, too, but in the server's language.
 */
function refusedByServer(error: unknown, client: TransactionClient): boolean {
  const state = sqlState(error);
  const goesOn = streamOf(client).writable && client.getTransactionStatus() === 'I';
  return state !== undefined && goesOn && !state.startsWith('08') && !state.startsWith('57P');
}

/** Returns why the connection must be closed, if it must. */
async function rollback(
  client: TransactionClient,
  runner: GuardedQueryRunner,
  error: unknown,
  ending: boolean,
): Promise<Error | undefined> {
  if (runner.lost) return runner.lost;
  if (error instanceof CommitUnknownError) return error;
  if (client.withdraw()) return undefined;
  // Else the answer to BEGIN may not be here yet.
  if (ending && client.getTransactionStatus() === 'I') return undefined;
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (failure) {
    return failure as Error;
  }
}

/**
 * Inside, TypeORM's own begin, commit and rollback are savepoints, and only that. When SAVEPOINT itself fails, TypeORM
 * would roll back the whole transaction and go on outside of one.
 */
function guardEnd(runner: GuardedQueryRunner, scope: TransactionScope): void {
  const { startTransaction: start, commitTransaction: commit, rollbackTransaction: rollback, query } = runner;
  runner.query = ((...args: Parameters<typeof query>) => scope.run(() => query.apply(runner, args))) as typeof query;
  runner.startTransaction = async (isolation) => {
    await start.call(runner, isolation);
    scope.enterSavepoint();
  };
  runner.commitTransaction = async () => {
    requireSavepoint(scope);
    await commit.call(runner);
    scope.leaveSavepoint('released');
  };
  runner.rollbackTransaction = async () => {
    requireSavepoint(scope);
    await rollback.call(runner);
    scope.leaveSavepoint('rolled back');
  };
}

function requireSavepoint(scope: TransactionScope): void {
  if (scope.depth === 0) throw new TransactionAbortedError('only Database.transaction may end it');
}

function runAfter(hook: () => void): void {
  try {
    hook();
  } catch (err) {
    logger().error({ err }, 'a hook after commit failed; the commit stands');
  }
}

const abortError = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason });
