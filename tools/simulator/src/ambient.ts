import timers from 'node:timers/promises';
import { syncBuiltinESMExports } from 'node:module';
import { LightAbortController, LightAbortSignal } from './abort.js';

/**
 * The one place where what code reaches without a port is replaced: the clock (`Date`, `performance.now`), timers, chance
 * (`Math.random`), `fetch`, and `AbortController` by one that costs less. Everything else reaches the platform's logic through ports.
 */
export interface Ambience {
  /** Milliseconds since 1970. */
  date(): number;
  random(): number;
  /** Milliseconds. */
  after(ms: number, fire: () => void): { fire: (() => void) | undefined };
  fetch: typeof fetch;
}

const real = {
  Date: globalThis.Date,
  random: Math.random,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  fetch: globalThis.fetch,
  setImmediate: globalThis.setImmediate,
  AbortController: globalThis.AbortController,
  AbortSignal: globalThis.AbortSignal,
  now: performance.now,
  sleep: timers.setTimeout,
  stackTraceLimit: Error.stackTraceLimit,
};

/** How many turns are asked for at a time, so that the event loop and its look at the machine's I/O are gone through once for all of them. */
const TURNS = 256;

/**
 * Calls `turn` again and again until it gives false. Before each call every promise that could go on has gone on: between two immediates
 * Node runs the whole microtask queue. No timer and no I/O is involved, so how long that takes on the machine decides nothing.
 */
export function turns(turn: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let asked = 0;
    let over = false;
    const next = (): void => {
      asked--;
      if (over) return;
      try {
        over = !turn();
      } catch (error) {
        over = true;
        reject(error as Error);
      }
      if (over) resolve();
      else if (asked === 0) ask();
    };
    const ask = (): void => {
      for (; asked < TURNS; asked++) real.setImmediate(next);
    };
    ask();
  });
}

/** Real time, for the speed of the simulator itself. */
export const realNow = (): number => real.now.call(performance);

/** Runs `work` with all of it replaced. One at a time in a process. */
export async function within<T>(ambience: Ambience, work: () => Promise<T>): Promise<T> {
  replace(ambience);
  try {
    return await work();
  } finally {
    restore();
  }
}

function replace({ date, random, after, fetch }: Ambience): void {
  /** Makes dates of the real kind: `new Date()` is what the services do most, and a class of its own would cost several times as much. */
  function SimulatedDate(...parts: [] | [number]): Date {
    return parts.length === 0 ? new real.Date(date()) : new real.Date(...parts);
  }
  Object.setPrototypeOf(SimulatedDate, real.Date); // `UTC` and `parse`
  SimulatedDate.prototype = real.Date.prototype;
  SimulatedDate.now = date;
  // Thousands of errors a second are thrown and caught here, and nobody reads where.
  Error.stackTraceLimit = 0;
  globalThis.Date = SimulatedDate as unknown as DateConstructor;
  Math.random = random;
  performance.now = () => date();
  globalThis.fetch = fetch;
  globalThis.AbortController = LightAbortController as unknown as typeof AbortController;
  globalThis.AbortSignal = LightAbortSignal as unknown as typeof AbortSignal;
  globalThis.setTimeout = ((fire: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
    handleOf(after(ms, () => fire(...args)))) as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((handle?: { cancel?: () => void }) => handle?.cancel?.()) as typeof clearTimeout;
  timers.setTimeout = ((ms: number, value?: unknown, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise<unknown>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const event = after(ms, () => {
        signal?.removeEventListener('abort', abort);
        resolve(value);
      });
      const abort = () => {
        event.fire = undefined;
        reject(signal!.reason as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
    })) as unknown as typeof timers.setTimeout;
  syncBuiltinESMExports();
}

function restore(): void {
  Error.stackTraceLimit = real.stackTraceLimit;
  globalThis.Date = real.Date;
  Math.random = real.random;
  performance.now = real.now;
  globalThis.fetch = real.fetch;
  globalThis.AbortController = real.AbortController;
  globalThis.AbortSignal = real.AbortSignal;
  globalThis.setTimeout = real.setTimeout;
  globalThis.clearTimeout = real.clearTimeout;
  timers.setTimeout = real.sleep;
  syncBuiltinESMExports();
}

/** What `setTimeout` gives. */
const handleOf = (event: { fire: (() => void) | undefined }) => ({
  cancel: () => (event.fire = undefined),
  ref() {
    return this;
  },
  unref() {
    return this;
  },
  hasRef: () => true,
});
