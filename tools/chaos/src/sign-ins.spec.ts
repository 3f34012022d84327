import type { Shopper } from '@ballast/e2e';
import { eventually } from '@ballast/testing';
import { keepSignedIn } from './sign-ins.js';

/** Counts the sign-ins that worked; the first ones are refused, as while the database has no primary. */
function shopper(refused: number) {
  const seen = { tried: 0, signedIn: 0 };
  const signInAgain = async () => {
    if (++seen.tried <= refused) throw new Error('sign-in answered 503');
    seen.signedIn++;
  };
  return { seen, shopper: { signInAgain } as unknown as Shopper };
}

it('one who cannot be signed in is tried again soon, and keeps nobody else from it', async () => {
  const [first, second] = [shopper(3), shopper(0)];
  const closing = new AbortController();
  keepSignedIn([first.shopper, second.shopper], closing.signal, { every: 200, again: 5 });
  // All three attempts within the pause of one that worked: a token lives longer than that.
  await eventually(() => expect(first.seen).toEqual({ tried: 4, signedIn: 1 }), { interval: 5 });
  await eventually(() => expect(second.seen.signedIn).toBeGreaterThan(1), { interval: 5 });
  closing.abort();
});

it('not all at once', async () => {
  const all = Array.from({ length: 10 }, () => shopper(0));
  const closing = new AbortController();
  keepSignedIn(all.map((each) => each.shopper), closing.signal, { every: 500 }); // prettier-ignore
  await eventually(() => expect(all[0]!.seen.signedIn).toBe(1), { interval: 5 });
  expect(all[9]!.seen.signedIn).toBe(0);
  closing.abort();
});
