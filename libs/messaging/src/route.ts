import type { Tx } from '@ballast/database';
import type { Envelope, Reply } from '@ballast/message';
import type { Deferred } from './answer.js';

/** What to do with one type of message. */
export interface Route {
  kind: 'event' | 'command' | 'reply';
  type: string;
  /** The envelope with its payload as the contract has it; throws `InvalidPayloadError`. */
  parse(envelope: Envelope): Envelope;
  /** Runs the handler. Commands give their answer. */
  handle(envelope: Envelope, tx: Tx): Promise<Reply | Deferred | void>;
}

/** The route of a message's type; undefined for what this service does not want. */
export type Router = (type: string) => Route | undefined;
