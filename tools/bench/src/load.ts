import { setTimeout as sleep } from 'node:timers/promises';

/** Clients without a pause between their turns, for so long; turns per second. */
export async function closedLoop(clients: number, seconds: number, turn: (client: number) => Promise<unknown>): Promise<number> {
  const [start, end] = [performance.now(), performance.now() + seconds * 1_000];
  let done = 0;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (; performance.now() < end; done++) await turn(client);
    }),
  );
  return done / ((performance.now() - start) / 1_000);
}

/**
 * Begins a turn when it is due, whether those before have ended or not, and gives each its due time: what waits because the other side hangs
 * is measured too (no coordinated omission).
 */
export async function openLoop(rate: number, count: number, turn: (n: number, due: number) => Promise<unknown>): Promise<void> {
  const start = performance.now();
  const turns: Promise<unknown>[] = [];
  for (let n = 0; n < count;) {
    const due = start + (n * 1_000) / rate;
    const early = due - performance.now();
    if (early > 1) await sleep(early);
    else turns.push(turn(n++, due));
  }
  await Promise.all(turns);
}

/** Tells once in so many milliseconds at most. */
export function every<A extends unknown[]>(ms: number, tell: (...args: A) => void): (...args: A) => void {
  let told = performance.now();
  return (...args) => {
    if (performance.now() - told < ms) return;
    told = performance.now();
    tell(...args);
  };
}

/** Looks again and again until it is so. @throws when it is not in time */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, seconds = 120): Promise<void> {
  for (const end = performance.now() + seconds * 1_000; !(await isSo()); await sleep(2))
    if (performance.now() > end) throw new Error(`${what} did not happen within ${seconds} s`);
}
