import { backoff } from './backoff.js';

const longest = { initial: 100, max: 1_000, random: () => 0.999_999 };

test('the bound doubles from attempt to attempt, up to the maximum', () =>
  expect([1, 2, 3, 4, 5, 500].map((attempt) => backoff(attempt, longest))).toEqual([99, 199, 399, 799, 999, 999]));

test('the jitter is full: from nothing to the bound', () => expect(backoff(3, { ...longest, random: () => 0 })).toBe(0));
