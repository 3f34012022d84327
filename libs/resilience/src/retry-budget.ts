const SHARE = 0.1;
const FLOOR_PER_SECOND = 1;
const BURST = 10;

/**
 * How many retries a policy may make: a tenth of its calls, plus one a second so that a quiet service may retry too, ten at
 * once at most. While a callee is down its load thus grows by a tenth, where three attempts each would treble it.
 * After Finagle's RetryBudget.
 */
export class RetryBudget {
  private tokens = BURST;
  private at = Date.now();

  /** To be told of every call. */
  deposit(): void {
    this.add(SHARE);
  }

  /** Whether one retry may be made now. */
  withdraw(): boolean {
    const now = Date.now();
    this.add((Math.max(0, now - this.at) / 1_000) * FLOOR_PER_SECOND);
    this.at = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  private add(tokens: number): void {
    this.tokens = Math.min(BURST, this.tokens + tokens);
  }
}
