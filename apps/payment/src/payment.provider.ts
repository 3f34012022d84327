import type { Money } from '@ballast/contracts';

/** What the provider definitely did or definitely will not do. */
export type ProviderAnswer = { state: 'succeeded' } | { state: 'refused'; code: string };

/** `repeated`: an earlier try may have reached the provider. */
export interface ProviderCall {
  signal: AbortSignal;
  repeated: boolean;
}

/** The outcome of a call is not known, nor was it to be had by asking. Try again under the same key. */
export class OutcomeUnknownError extends Error {
  constructor(key: string, options?: ErrorOptions) {
    super(`the outcome of ${key} is not known yet`, options);
    this.name = 'OutcomeUnknownError';
  }
}

/**
 * What payment needs of a card processor. Each method has its effect at most once per `key`, however often it is called.
 * It returns only what the provider said; whatever else happens (a time-out, a lost connection, an open breaker) is thrown.
 */
export abstract class PaymentProvider {
  /** Holds the money. `reference` is our name for the sale in the provider's books. */
  abstract authorise(
    request: { key: string; amount: Money; token: string; reference: string },
    call: ProviderCall,
  ): Promise<ProviderAnswer>;
  /** Takes held money. */
  abstract capture(request: { key: string; authorisation: string; amount: Money }, call: ProviderCall): Promise<ProviderAnswer>;
  /** Gives taken money back. */
  abstract refund(request: { key: string; authorisation: string; amount: Money }, call: ProviderCall): Promise<ProviderAnswer>;
  /** Calls an authorisation off, also one that is at work or has not arrived. Refused when it was captured. */
  abstract cancel(request: { key: string; operation: string; reference: string }, call: ProviderCall): Promise<ProviderAnswer>;
}
