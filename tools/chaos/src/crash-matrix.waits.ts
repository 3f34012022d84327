import { setTimeout as sleep } from 'node:timers/promises';
import type { Evidence } from '@ballast/e2e';

const PAUSE = 1_000;

/**
 * Looks every second how long outbox rows have been waiting, and keeps the longest of each service. Only from when all services ran again,
 * and only the time since then counts: before, a row may have waited for a process that was dead or paused.
 */
export class Waits {
  private readonly longest = new Map<string, number>();
  private readonly over = new AbortController();
  private running?: Promise<void>;

  /** `sample`: how long the oldest row of each service has been waiting of the time since then (ms since 1970). */
  constructor(private readonly sample: (since: number) => Promise<Evidence['waits']>) {}

  begin(): void {
    this.running = this.run(Date.now());
    this.running.catch(() => undefined); // `stop` tells of it
  }

  get seen(): Evidence['waits'] {
    return [...this.longest].map(([service, seconds]) => ({ service, seconds }));
  }

  /** Rejects when a look has failed: then nobody knows. */
  async stop(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  private async run(since: number): Promise<void> {
    while (!this.over.signal.aborted) {
      for (const { service, seconds } of await this.sample(since))
        this.longest.set(service, Math.max(seconds, this.longest.get(service) ?? 0));
      await sleep(PAUSE, undefined, { signal: this.over.signal }).catch(() => undefined);
    }
  }
}
