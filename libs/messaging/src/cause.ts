import { txState, type Tx } from '@ballast/database';

const CAUSE = {};

/** Notes which message is being handled in the transaction, so that what it publishes names its cause. */
export function setCause(tx: Tx, messageId: string): void {
  txState<{ id?: string }>(tx, CAUSE, () => ({})).id = messageId;
}

/** The id of the message being handled; undefined outside a handler. */
export function currentCause(tx: Tx): string | undefined {
  return txState<{ id?: string }>(tx, CAUSE, () => ({})).id;
}
