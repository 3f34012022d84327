import type { AnyCommand, AnyDefinition, AnyEvent, PayloadOf } from './definition.js';
import type { Envelope } from './envelope.js';

/** A received message whose payload has passed its definition's schema. */
export type MessageOf<D extends AnyDefinition> = Envelope<PayloadOf<D>>;
/** What a handler of the event gets: `close({ payload }: EventOf<typeof orderConfirmed>, tx: Tx)`. */
export type EventOf<D extends AnyEvent> = MessageOf<D>;
/** What a handler of the command gets. */
export type CommandOf<D extends AnyCommand> = MessageOf<D>;
