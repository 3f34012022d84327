import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats an assertion until it no longer throws and gives what it returned.
 *
 * @param options milliseconds: for how long, and how often
 * @throws the assertion's last error when the time is over
 */
export async function eventually<T>(
  assertion: () => Promise<T> | T,
  { timeout = 15_000, interval = 50 }: { timeout?: number; interval?: number } = {},
): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (Date.now() >= end) throw error;
    }
    await sleep(interval);
  }
}
