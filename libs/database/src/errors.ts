/** The answer to COMMIT was lost: the transaction may or may not have happened. Look the result up by its key; never retry blindly. */
export class CommitUnknownError extends Error {
  constructor(cause: unknown) {
    super('the connection was lost during COMMIT: whether the transaction happened is unknown', { cause });
    this.name = 'CommitUnknownError';
  }
}

/** No server of the host list is a primary that can be written to, for now. Nothing was done. */
export class NoPrimaryError extends Error {
  constructor(reason: string) {
    super(`no primary database: ${reason}`);
    this.name = 'NoPrimaryError';
  }
}

/** The connection went away before COMMIT was sent: the transaction did not happen. */
export class ConnectionLostError extends Error {
  constructor(cause: unknown) {
    super('the connection to the database was lost before COMMIT: nothing was written', { cause });
    this.name = 'ConnectionLostError';
  }
}

/** COMMIT rolled back, because an error inside the transaction was swallowed, or its end was forced from inside. Nothing, or not all, was written. */
export class TransactionAbortedError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`the transaction did not commit: ${reason}`, { cause });
    this.name = 'TransactionAbortedError';
  }
}

/** A manager outside of `Database.transaction`, or one whose transaction has ended, was given where a running transaction is needed. */
export class NotInTransactionError extends Error {
  constructor(reason = 'this entity manager is not in a transaction of Database.transaction') {
    super(reason);
    this.name = 'NotInTransactionError';
  }
}

/** A migration failed; it was rolled back. The cause has the details. */
export class MigrationFailedError extends Error {
  constructor(migration: string, cause: unknown) {
    super(`migration ${migration} failed and was rolled back: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'MigrationFailedError';
  }
}
