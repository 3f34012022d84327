/** The work, or one attempt at it, took longer than it may. The work was cancelled; whether it had its effect is unknown. */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError';
  readonly code = 'DEADLINE_EXCEEDED';
  constructor(
    readonly policy: string,
    /** ms */
    readonly limit: number,
    readonly scope: 'call' | 'attempt' = 'call',
  ) {
    super(`${policy}: ${scope === 'call' ? 'no answer' : 'an attempt had no answer'} within ${limit} ms`);
  }
}

/** The breaker is open, or half-open with its probe under way. The work was not started. */
export class BreakerOpenError extends Error {
  override readonly name = 'BreakerOpenError';
  readonly code = 'BREAKER_OPEN';
  constructor(readonly policy: string) {
    super(`${policy}: not called, since its last calls failed`);
  }
}

/** Every slot is taken and the queue is full. The work was not started. */
export class BulkheadFullError extends Error {
  override readonly name = 'BulkheadFullError';
  readonly code = 'BULKHEAD_FULL';
  constructor(readonly policy: string) {
    super(`${policy}: not called, since too many calls are under way`);
  }
}
