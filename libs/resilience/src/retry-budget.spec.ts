import { RetryBudget } from './retry-budget.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const spend = (budget: RetryBudget) => {
  let spent = 0;
  while (budget.withdraw()) spent++;
  return spent;
};

test('a quiet service may retry ten times at once, then once a second', () => {
  const budget = new RetryBudget();
  expect(spend(budget)).toBe(10);
  jest.advanceTimersByTime(3_000);
  expect(spend(budget)).toBe(3);
});

test('under load it grants a tenth of the calls', () => {
  const budget = new RetryBudget();
  spend(budget);
  let retries = 0;
  for (let call = 0; call < 1_000; call++) {
    budget.deposit();
    if (budget.withdraw()) retries++;
  }
  expect(retries).toBeGreaterThanOrEqual(99);
  expect(retries).toBeLessThanOrEqual(100);
});

test('what is not used does not pile up beyond ten', () => {
  const budget = new RetryBudget();
  jest.advanceTimersByTime(3_600_000);
  for (let call = 0; call < 1_000; call++) budget.deposit();
  expect(spend(budget)).toBe(10);
});
