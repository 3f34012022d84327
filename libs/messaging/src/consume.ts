import type { Tx } from '@ballast/database';
import type { AnyCommand, AnyEventReader, MessageOf } from '@ballast/message';
import type { AnswerOf } from './answer.js';

/** The signature a handler of the definition has. Its transaction commits together with the inbox row and the reply. */
export type HandlerOf<D extends AnyEventReader | AnyCommand> = D extends AnyCommand
  ? (message: MessageOf<D>, tx: Tx) => AnswerOf<D> | Promise<AnswerOf<D>>
  : (message: MessageOf<D>, tx: Tx) => void | Promise<void>;

export const CONSUMES = 'ballast:consumes';

/**
 * Makes a provider's method the handler of an event or a command. Exactly-once effect: the effect and the inbox row are one
 * transaction. In order per key. Database only: a call outside goes through an intent. A wrong signature does not compile.
 *
 *     @Consume(orderConfirmed)
 *     close({ payload }: EventOf<typeof orderConfirmed>, tx: Tx) { return this.carts.close(tx, payload.cartId); }
 */
export function Consume<D extends AnyEventReader | AnyCommand>(definition: D) {
  return <H extends HandlerOf<D>>(target: object, method: string | symbol, descriptor: TypedPropertyDescriptor<H>): void => {
    void [target, method];
    const others = (Reflect.getMetadata(CONSUMES, descriptor.value!) ?? []) as unknown[];
    Reflect.defineMetadata(CONSUMES, [...others, definition], descriptor.value!);
  };
}
