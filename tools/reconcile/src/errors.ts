/** The comparison could not be made: its message is all there is to print. Exit code 2. */
export class CannotReconcileError extends Error {
  override readonly name = 'CannotReconcileError';
}
