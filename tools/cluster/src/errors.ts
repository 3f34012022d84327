import { types } from 'node:util';

/** Something the person at the terminal can mend: its message is all there is to print. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}

/** The message of an error; of a group of errors, the first one's. */
export function messageOf(error: unknown): string {
  if (!types.isNativeError(error)) return String(error);
  const { errors } = error as { errors?: unknown[] };
  return errors?.length ? messageOf(errors[0]) : error.message;
}
