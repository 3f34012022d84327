import { duration, type Duration } from './duration.js';

test.each([
  [250, 250],
  ['250ms', 250],
  ['1.5s', 1_500],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['7d', 604_800_000],
] as const)('%s is %d ms', (value, ms) => expect(duration(value)).toBe(ms));

test.each(['', '5', 's', '5 s', '-5s', '5w', -1, NaN, Infinity, null, undefined])('refuses %p', (value) =>
  expect(() => duration(value as Duration)).toThrow(TypeError),
);
