import type { Clock } from './clock.js';
import { linked } from './linked.js';

/** Lets a loop sleep until there is work: a wake that comes while nobody sleeps is kept for the next sleeper, once. */
export class Wakeup {
  private pending = false;
  private release?: () => void;

  private readonly followers = new Set<Wakeup>();

  wake(): void {
    this.pending = true;
    this.release?.();
    for (const follower of this.followers) follower.wake();
  }

  /** One for another loop that is woken with this one, until it is dropped. */
  follower(): { wakeup: Wakeup; drop(): void } {
    const wakeup = new Wakeup();
    this.followers.add(wakeup);
    return { wakeup, drop: () => void this.followers.delete(wakeup) };
  }

  /** Resolves on a wake, after `ms` (the safety net), or when the signal aborts; whether it was woken. */
  async sleep(ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
    if (!this.pending && !signal.aborted) {
      const rest = linked(signal);
      this.release = () => rest.abort();
      await clock.sleep(ms, rest.signal);
      delete this.release;
      rest.dispose();
    }
    const woken = this.pending;
    this.pending = false;
    return woken;
  }
}
