import { median, met, quantile, ratio } from './figures.js';

const measure = (ours: number[], theirs: number[]) => ({
  what: 'sent',
  unit: '/s',
  ours: { name: 'relay', values: ours },
  theirs: { name: 'raw', values: theirs },
});

it('takes quantiles between the values', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([10], 0.99)).toBe(10);
  expect(median([3, 1, 2])).toBe(2);
  expect(quantile([], 0.5)).toBeNaN();
});

it('compares round by round: a machine that slows down slows both sides of a round', () => {
  expect(ratio(measure([80, 40, 8], [100, 50, 10]))).toBeCloseTo(0.8);
  // Medians over all rounds would say 40 / 100.
  expect(ratio(measure([80, 40, 8], [100, 100, 10]))).toBeCloseTo(0.8);
});

it('holds a ratio to its goal', () => {
  expect(met({ ...measure([80], [100]), goal: { is: 'at least', bound: 0.8 } })).toBe(true);
  expect(met({ ...measure([79], [100]), goal: { is: 'at least', bound: 0.8 } })).toBe(false);
  expect(met({ ...measure([160], [100]), goal: { is: 'at most', bound: 1.5 } })).toBe(false);
  expect(met(measure([1], [1]))).toBeUndefined();
});

it('holds a figure that stands for itself to its goal', () => {
  const { theirs: _, ...alone } = measure([20.04], []);
  expect(met({ ...alone, goal: { is: 'at most', bound: 20 } })).toBe(false);
  expect(met({ ...alone, goal: { is: 'at most', bound: 21 } })).toBe(true);
});
