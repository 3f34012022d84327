export interface BackoffOptions {
  /** Upper bound of the first delay, ms; it doubles each time. */
  initial?: number;
  /** Upper bound of every delay, ms. */
  max?: number;
  /** In [0, 1). */
  random?: () => number;
}

/**
 * How long to wait after the given failed attempt (1 is the first), in ms: exponential with full jitter, which spreads the
 * clients of a callee that comes back. See Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function backoff(attempt: number, { initial = 100, max = 30_000, random = Math.random }: BackoffOptions = {}): number {
  return Math.floor(random() * Math.min(max, initial * 2 ** Math.max(0, attempt - 1)));
}
