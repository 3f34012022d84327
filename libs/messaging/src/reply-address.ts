import type { Envelope } from '@ballast/message';

/** Where the answer to a command goes. Kept with an intent as JSON. */
export interface ReplyAddress {
  commandId: string;
  commandType: string;
  replyTo: string;
  sagaId: string;
  /** The command's own key: answers keep its order. */
  key: string;
}

/** Undefined when the command asks for no answer. */
export function replyAddressOf(e: Envelope): ReplyAddress | undefined {
  if (!e.replyTo || !e.sagaId) return undefined;
  return { commandId: e.id, commandType: e.type, replyTo: e.replyTo, sagaId: e.sagaId, key: e.key };
}
