import type { Clock } from './clock.js';
import { ENDED, linked } from './linked.js';
import type { Batch } from './transport.js';

/** The partition is someone else's by now, or the service stops: leave the rest alone. */
export class StaleBatchError extends Error {}

const BEAT = 1_000;

/** Keeps a batch's membership alive while it is worked on, and tells when to let go of it. */
export class BatchSession {
  private readonly ended = new AbortController();
  private failure?: Error;

  constructor(
    readonly batch: Batch,
    private readonly clock: Clock,
  ) {
    void this.beat();
  }

  /** Throws when the batch is no longer ours. */
  check(): void {
    if (this.failure) throw this.failure;
    if (!this.batch.active) throw new StaleBatchError();
  }

  /** Sleeps while the batch is ours, at most until the promise settles. */
  async pause(ms: number, until?: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.check();
    const rest = linked(this.ended.signal);
    await Promise.race([this.clock.sleep(ms, rest.signal), ...(until ? [until(rest.signal).catch(() => undefined)] : [])]);
    rest.abort();
    rest.dispose();
    this.check();
  }

  end(): void {
    this.ended.abort(ENDED);
  }

  private async beat(): Promise<void> {
    const { signal } = this.ended;
    for (;;) {
      await this.clock.sleep(BEAT, signal);
      if (signal.aborted) return;
      try {
        await this.batch.heartbeat();
      } catch (error) {
        this.failure = error as Error;
        this.ended.abort(ENDED);
        return;
      }
    }
  }
}
