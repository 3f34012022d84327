import timers from 'node:timers/promises';
import { syncBuiltinESMExports } from 'node:module';

/**
 * The one place where what code reaches without a port is replaced: the clock (`Date`, `performance.now`), timers, chance
 * (`Math.random`) and `fetch`. Everything else reaches the platform's logic through ports.
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
  now: performance.now,
  sleep: timers.setTimeout,
  stackTraceLimit: Error.stackTraceLimit,
};

/**
 * Resolves when every promise that could go on has gone on: Node runs the whole microtask queue before the next immediate. No timer
 * and no I/O is involved, so how long that takes on the machine decides nothing.
 */
export const settled = (): Promise<void> => new Promise((resolve) => real.setImmediate(resolve));

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
  class SimulatedDate extends real.Date {
    constructor(...parts: unknown[]) {
      if (parts.length === 0) super(date());
      else super(...(parts as [number]));
    }
    static override now(): number {
      return date();
    }
  }
  // Thousands of errors a second are thrown and caught here, and nobody reads where.
  Error.stackTraceLimit = 0;
  globalThis.Date = SimulatedDate as DateConstructor;
  Math.random = random;
  performance.now = () => date();
  globalThis.fetch = fetch;
  globalThis.setTimeout = ((fire: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
    handleOf(after(ms, () => fire(...args)))) as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((handle?: { cancel?: () => void }) => handle?.cancel?.()) as typeof clearTimeout;
  timers.setTimeout = ((ms: number, value?: unknown, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise<unknown>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const event = after(ms, () => resolve(value));
      signal?.addEventListener('abort', () => {
        event.fire = undefined;
        reject(signal.reason as Error);
      });
    })) as unknown as typeof timers.setTimeout;
  syncBuiltinESMExports();
}

function restore(): void {
  Error.stackTraceLimit = real.stackTraceLimit;
  globalThis.Date = real.Date;
  Math.random = real.random;
  performance.now = real.now;
  globalThis.fetch = real.fetch;
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
