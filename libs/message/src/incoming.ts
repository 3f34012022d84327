import type { AnyCommand, AnyEventReader, PayloadOf } from './definition.js';
import type { Envelope } from './envelope.js';

/** A received message whose payload has passed its definition's schema. */
export type MessageOf<D extends AnyEventReader | AnyCommand> = Envelope<PayloadOf<D>>;
/** What a handler of the event gets: `close({ payload }: EventOf<typeof orderConfirmed>, tx: Tx)`. */
export type EventOf<D extends AnyEventReader> = MessageOf<D>;
/** What a handler of the command gets. */
export type CommandOf<D extends AnyCommand> = MessageOf<D>;
