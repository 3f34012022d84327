import { isNativeError } from 'node:util/types';
import { CommitUnknownError, ConnectionLostError, NoPrimaryError } from './errors.js';

const UNREACHABLE = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL'],
]);
/** What pg and its pool say without a code. */
const CONNECTION_MESSAGES = [
  /^Connection terminated/,
  /^timeout exceeded when trying to connect/,
  /^timeout expired/,
  /^Query read timeout/,
  /is not queryable$/,
  /^Cannot use a pool after calling end/,
];
const UNAVAILABLE_STATES = new Set(['57P01', '57P02', '57P03', '57P05', '53300', '25006']);
const TRANSIENT_STATES = new Set(['40001', '40P01', '55P03', '57014', '25P03']);

/** Node's own errors belong to another realm than a test's, so `instanceof` alone does not know them. */
const isError = (value: unknown): value is Error => value instanceof Error || isNativeError(value);

/** An error and its causes, TypeORM's `driverError` included, outermost first. */
function* chain(error: unknown): Generator<Error & { code?: unknown; constraint?: unknown }> {
  for (let depth = 0; isError(error) && depth < 8; depth++) {
    yield error;
    error = (error as { driverError?: unknown }).driverError ?? error.cause;
  }
}

/** The SQLSTATE the server answered with, e.g. `23505`; looks through TypeORM's QueryFailedError and through causes. */
export function sqlState(error: unknown): string | undefined {
  for (const { code } of chain(error)) if (typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code)) return code;
  return undefined;
}

/**
 * The database could not be reached, refused the session or is no longer the primary: the same work may succeed later.
 * A `CommitUnknownError` is not among them: its work may have been done already.
 */
export function isUnavailable(error: unknown): boolean {
  if (isCommitUnknown(error)) return false;
  for (const e of chain(error)) {
    if (e instanceof NoPrimaryError || e instanceof ConnectionLostError) return true;
    if (typeof e.code === 'string' && UNREACHABLE.has(e.code)) return true;
    if (CONNECTION_MESSAGES.some((message) => message.test(e.message))) return true;
  }
  const state = sqlState(error);
  return state !== undefined && (UNAVAILABLE_STATES.has(state) || state.startsWith('08'));
}

/** Unavailable, or lost against another transaction (serialization, deadlock, lock or statement time-out): a retry may succeed. */
export function isTransient(error: unknown): boolean {
  if (isCommitUnknown(error)) return false;
  return isUnavailable(error) || TRANSIENT_STATES.has(sqlState(error) ?? '');
}

/** A row with this key is there already; with `constraint` only when that constraint says so. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (sqlState(error) !== '23505') return false;
  return constraint === undefined || [...chain(error)].some((e) => e.constraint === constraint);
}

/** Lost against another transaction, and certainly rolled back. */
export const isSerializationFailure = (error: unknown): boolean =>
  !isCommitUnknown(error) && ['40001', '40P01'].includes(sqlState(error) ?? '');

const isCommitUnknown = (error: unknown): boolean => [...chain(error)].some((e) => e instanceof CommitUnknownError);
