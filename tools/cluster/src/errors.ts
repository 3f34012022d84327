/** Something the person at the terminal can mend: its message is all there is to print. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}

/** The message of an error; of a group of errors, the first one's. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
