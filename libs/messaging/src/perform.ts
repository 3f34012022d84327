import type { Tx } from '@ballast/database';
import type { z } from 'zod';
import type { Duration } from '@ballast/resilience';
import type { Refusal } from './answer.js';
import type { AnyIntent } from './intent.js';

/** One attempt at an intent. `id` stays the same over all attempts: the idempotency key for the call outside. */
export interface Attempt<P = unknown> {
  readonly id: string;
  readonly payload: P;
  /** 1 for the first. */
  readonly attempt: number;
  /** Aborts at the deadline and when the service stops: pass it to the call, so that the work really ends. */
  readonly signal: AbortSignal;
}

/** What an attempt found out, written in one transaction with "done" and the reply. May be run again after a lost connection. */
export type Settlement = (tx: Tx) => Promise<object | Refusal | void> | object | Refusal | void;

export interface PerformOptions {
  /** How many run at once in this process. Default 20. */
  concurrency?: number;
  /** How long one attempt may take. Default 30 s. */
  deadline?: Duration;
  /** Between attempts: exponential with full jitter. Default from 500 ms to 30 s. */
  backoff?: { initial?: Duration; max?: Duration };
}

export type PerformerOf<D extends AnyIntent> = (attempt: Attempt<z.output<D['payload']>>) => Promise<Settlement>;

export const PERFORMS = 'ballast:performs';

/**
 * Makes a provider's method the performer of an intent. It runs outside any transaction and returns what is to be written. A throw
 * means that the outcome is unknown: it is tried again, without end, so the call outside must be idempotent by `id`. At least once;
 * settled exactly once. A thrown `Refused` is an answer: the intent is done and its command, if any, is answered with the code.
 *
 *     @Perform(captureAtPsp, { concurrency: 20, deadline: '30s' })
 *     async capture({ id, payload, signal }: Attempt<{ paymentId: string }>) {
 *       const outcome = await this.psp.capture(id, payload, signal);
 *       return (tx: Tx) => this.payments.captured(tx, payload.paymentId, outcome);
 *     }
 */
export function Perform<D extends AnyIntent>(definition: D, options: PerformOptions = {}) {
  return <H extends PerformerOf<D>>(target: object, method: string | symbol, descriptor: TypedPropertyDescriptor<H>): void => {
    void [target, method];
    const others = (Reflect.getMetadata(PERFORMS, descriptor.value!) ?? []) as unknown[];
    Reflect.defineMetadata(PERFORMS, [...others, { definition, options }], descriptor.value!);
  };
}
