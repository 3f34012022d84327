export type OperationRefusal =
  | 'DEAD_LETTER_NOT_FOUND'
  | 'DEAD_LETTER_SETTLED'
  | 'DEAD_LETTER_WAITS'
  | 'DEAD_LETTER_IS_COMMAND'
  | 'DEAD_LETTER_NOT_SUBSCRIBED'
  | 'OUTBOX_ROW_NOT_PARKED';

/** What an operator asks for cannot be done, or must not. Nothing was changed. `members` has what the next step needs. */
export class OperationRefusedError extends Error {
  constructor(
    readonly code: OperationRefusal,
    message: string,
    readonly members: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'OperationRefusedError';
  }
}
