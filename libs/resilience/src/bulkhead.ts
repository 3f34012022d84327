import { BulkheadFullError } from './errors.js';

/**
 * At most `limit` holders at a time and `queue` waiting, first come first served. Unlike cockatiel's, a waiter that is cancelled
 * leaves the queue at once, and a slot is freed by its holder and not by the answer.
 */
export class Bulkhead {
  private active = 0;
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly policy: string,
    private readonly limit: number,
    private readonly queue: number,
  ) {}

  /** Resolves to what frees the slot. Rejects with `BulkheadFullError`, or with the signal's reason when cancelled in the queue. */
  acquire(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.active < this.limit) return Promise.resolve(this.take());
    if (this.waiting.size >= this.queue) return Promise.reject(new BulkheadFullError(this.policy));
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve(this.take());
      };
      const leave = () => {
        this.waiting.delete(enter);
        reject(signal.reason as Error);
      };
      this.waiting.add(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  private take(): () => void {
    this.active++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.active--;
      const [next] = this.waiting;
      if (!next) return;
      this.waiting.delete(next);
      next();
    };
  }
}
