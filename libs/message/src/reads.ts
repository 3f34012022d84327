import type { z } from 'zod';
import {
  command,
  type AnyCommand,
  type AnyEvent,
  type CommandDefinition,
  type EventReader,
  type FailureOf,
  type PayloadOf,
  type ReplyOf,
} from './definition.js';
import { type Fields, type Known, narrow, type Selected } from './selection.js';

/**
 * What this service reads of an event. Its handler sees these fields and no others, at compile time and at run time, and they
 * are the service's statement that the producer's tests hold the event to. The less is read, the freer the producer is.
 * Throws a `TypeError` for a field that the event does not have.
 *
 *     export const orderConfirmed = reads(contracts.orderConfirmed, { orderId: true, cartId: true });
 */
export function reads<D extends AnyEvent, const S extends Fields<PayloadOf<D>>>(
  event: D,
  fields: Known<PayloadOf<D>, S>,
): EventReader<z.ZodType<Selected<PayloadOf<D>, S>>> {
  const { kind, type, service, version, topic } = event;
  const payload = narrow(event.payload as z.ZodType, fields as never) as z.ZodType<Selected<PayloadOf<D>, S>>;
  return { kind, type, service, version, topic, payload };
}

/**
 * A command of another service, and what this one reads of its answer. It is sent like the contract itself.
 *
 *     export const authorisePayment = readsReply(contracts.authorisePayment, { paymentId: true });
 */
export function readsReply<D extends AnyCommand, const S extends Fields<ReplyOf<D>>>(
  definition: D,
  fields: Known<ReplyOf<D>, S>,
): CommandDefinition<D['payload'], z.ZodType<Selected<ReplyOf<D>, S>>, FailureOf<D>> {
  const { type, payload, reply, failures } = definition as CommandDefinition<D['payload'], z.ZodType, FailureOf<D>>;
  return command(type, { payload, reply: narrow(reply, fields as never) as z.ZodType<Selected<ReplyOf<D>, S>>, failures });
}
