import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Shopper } from '@ballast/e2e';

/** Access tokens live for ten minutes. */
const EVERY = 6 * 60_000;
/** After one that failed: a failover takes less than is left of the token. */
const AGAIN = 5_000;

/**
 * Keeps everybody signed in until the signal, each at a time of his own. A password is slow to check on purpose: all at once would be a
 * burst on every core in the middle of a trial.
 */
export function keepSignedIn(shoppers: readonly Shopper[], signal: AbortSignal, { every = EVERY, again = AGAIN } = {}): void {
  const keep = async (shopper: Shopper, first: number) => {
    for (let pause = first; ;) {
      await sleep(pause, undefined, { signal, ref: false });
      pause = await shopper.signInAgain().then(
        () => every,
        () => again,
      );
    }
  };
  setMaxListeners(0, signal);
  for (const [n, shopper] of shoppers.entries()) keep(shopper, (every * (n + 1)) / shoppers.length).catch(() => undefined);
}
