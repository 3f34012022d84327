import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { platform } from './platform.js';
import { Shopper } from './shop.js';
import { actions, type Action } from './walk-actions.js';
import { Walk } from './walk.js';

const { gateway, credentials } = platform();
/** No walk begins after this; a failure names its seed, and `BALLAST_SEED` walks it again. */
const BUDGET = 25_000;
const seed = Number(process.env['BALLAST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

it(`random walks over the whole contract: every answer is one that the state allows (BALLAST_SEED=${seed})`, async () => {
  const merchant = await Shopper.signIn(gateway, credentials.merchant);
  const buyers = [await Shopper.register(gateway), await Shopper.register(gateway)];
  const until = Date.now() + BUDGET;
  const walked = new Map<string, number>();

  await fc.assert(
    fc.asyncProperty(fc.array(actions, { minLength: 25, maxLength: 25 }), async (steps: Action[]) => {
      if (Date.now() > until) return;
      const walk = await Walk.begin({ merchant, buyers, run: randomUUID().slice(0, 8) });
      for (const step of steps) {
        await walk.take(step);
        walked.set(step.do, (walked.get(step.do) ?? 0) + 1);
      }
      await walk.end();
    }),
    // A smaller example of a live system's failure is not worth the minutes: the seed finds it again.
    { seed, numRuns: 200, endOnFailure: true },
  );
  expect([...walked.values()].reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(25);
});
