import { check } from '@ballast/message';
import type { z } from 'zod';

/** A call to the outside that is to be made: written with the transaction that wants it, performed after its commit. */
export interface IntentDraft<S extends z.ZodType = z.ZodType> {
  readonly definition: IntentDefinition<S>;
  readonly payload: z.output<S>;
}

/** Call it with a payload to get a draft. */
export interface IntentDefinition<S extends z.ZodType = z.ZodType> {
  // The method form keeps concrete definitions assignable to `IntentDefinition`.
  (payload: z.input<S>): IntentDraft<S>;
  readonly kind: string;
  readonly payload: S;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- callable, hence contravariant: see AnyEvent in @ballast/message
export type AnyIntent = IntentDefinition<any>;

/**
 * Declares an intent. Its payload is kept as JSON, so no dates and no bigints; no secrets either, since it stays in the table.
 *
 *     export const captureAtPsp = intent('capture-at-psp', z.object({ paymentId: z.uuid() }));
 */
export function intent<S extends z.ZodType>(kind: string, payload: S): IntentDefinition<S> {
  const build = (input: z.input<S>): IntentDraft<S> => ({ definition, payload: check(`intent ${kind}`, payload, input) });
  const definition: IntentDefinition<S> = Object.assign(build, { kind, payload });
  return definition;
}
