import { CommitUnknownError, isTransient, sqlState } from '@ballast/database';

/** Lack of resources, operator's doings, the server's own errors. */
const OUTAGE_CLASSES = ['53', '57', '58'];

/**
 * True when it was not the message's fault and the same work may succeed later: no primary, a deadlock, a time-out, a full disk. Such a
 * failure is retried without a count, or one failover would fill the dead letters. An unknown commit is among them, since a
 * message's inbox row tells the retry whether it happened.
 */
export function isBlameless(error: unknown): boolean {
  if (error instanceof CommitUnknownError || isTransient(error)) return true;
  const state = sqlState(error);
  return state !== undefined && OUTAGE_CLASSES.includes(state.slice(0, 2));
}
