import { clearTimeout, setTimeout } from 'node:timers';

/** Time, as the relay, the inbox and the intents see it: a simulator brings its own. */
export interface Clock {
  now(): Date;
  /** Resolves after `ms`, or at once when the signal aborts: it never rejects, since every caller looks at the signal anyway. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const over = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', over);
        resolve();
      };
      const timer = setTimeout(over, ms);
      signal?.addEventListener('abort', over);
    }),
};
