import { setTimeout as delay } from 'node:timers/promises';

/** Time, as the relay, the inbox and the intents see it: a simulator brings its own. */
export interface Clock {
  now(): Date;
  /** Resolves after `ms`, or at once when the signal aborts: it never rejects, since every caller looks at the signal anyway. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
};
