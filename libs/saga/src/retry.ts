/** How a step that must succeed (an undo, the pivot, a step past it) is tried again before the saga is `STUCK`. */
export interface RetryPolicy {
  attempts: number;
  /** Milliseconds; doubled with each further try. */
  initialDelay: number;
  /** Milliseconds. */
  maxDelay: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 8, initialDelay: 1_000, maxDelay: 60_000 };

/** The pause after the given number of tries. Without jitter: decisions stay reproducible, and due sagas are taken in small batches anyway. */
export const retryDelay = (retry: RetryPolicy, attempts: number): number =>
  Math.min(retry.maxDelay, retry.initialDelay * 2 ** Math.min(attempts - 1, 30));
