/**
 * A lock that says no more than that a session lives: shared, so that nobody ever waits for it. It is gone when the connection is, which for a process
 * that was killed is at once, since its machine closes what it had open; one that stands still, or that a network keeps away, keeps it.
 *
 * `name` is an expression of SQL. Held and looked for under a hash of 64 bits, in the current database.
 */
export const holdSessionLock = (name: string): string => `SELECT pg_advisory_lock_shared(hashtextextended(${name}, 0))`;

/** Whether any session holds it: a condition of SQL. Nobody needs a permission to see locks. */
export const sessionLockHeld = (name: string): string => `EXISTS (
  SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint << 32 | objid::bigint = hashtextextended(${name}, 0))`;
