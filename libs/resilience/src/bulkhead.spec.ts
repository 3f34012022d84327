import { BreakerOpenError, BulkheadFullError, policy } from './index.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

/** Work that ignores its signal and ends when told. */
function stubborn() {
  const ends: (() => void)[] = [];
  return { work: () => new Promise<string>((resolve) => ends.push(() => resolve('ok'))), ends };
}

test('the slot stays taken until the work has really ended, though its caller has long had a time-out', async () => {
  const psp = policy('psp', { deadline: 100, bulkhead: 1 });
  const { work, ends } = stubborn();
  const first = outcome(psp.execute(work));
  await jest.advanceTimersByTimeAsync(100);
  expect(await first).toMatchObject({ name: 'DeadlineExceededError' });
  expect(await outcome(psp.execute(work))).toBeInstanceOf(BulkheadFullError);
  expect(ends).toHaveLength(1);
  ends[0]!();
  await jest.advanceTimersByTimeAsync(0);
  expect(await psp.execute(() => Promise.resolve('free'))).toBe('free');
});

test('a retry of work that runs on needs a slot of its own', async () => {
  const psp = policy('psp', { attemptTimeout: 10, retry: { attempts: 5, initialDelay: 0 }, bulkhead: 2 });
  const { work, ends } = stubborn();
  const call = outcome(psp.execute(work));
  await jest.advanceTimersByTimeAsync(100);
  expect(await call).toBeInstanceOf(BulkheadFullError);
  expect(ends).toHaveLength(2);
});

test('waits in order, as far as the queue reaches', async () => {
  const psp = policy('psp', { bulkhead: { limit: 1, queue: 2 } });
  const { work, ends } = stubborn();
  const order: string[] = [];
  const enter = (name: string) => psp.execute(() => (order.push(name), work()));
  const calls = [enter('a'), enter('b'), enter('c')];
  expect(await outcome(enter('d'))).toBeInstanceOf(BulkheadFullError);
  for (let i = 0; i < 3; i++) {
    await jest.advanceTimersByTimeAsync(0);
    ends[i]!();
  }
  await Promise.all(calls);
  expect(order).toEqual(['a', 'b', 'c']);
});

test('whoever gives up in the queue leaves it at once, and their work never starts', async () => {
  const psp = policy('psp', { bulkhead: { limit: 1, queue: 1 } });
  const { work, ends } = stubborn();
  const running = psp.execute(work);
  const caller = new AbortController();
  const abandoned = jest.fn();
  const waiting = outcome(psp.execute(abandoned, caller.signal));
  await jest.advanceTimersByTimeAsync(0);
  caller.abort(new Error('client left'));
  expect(await waiting).toEqual(new Error('client left'));
  const next = psp.execute(() => Promise.resolve('next'));
  await jest.advanceTimersByTimeAsync(0);
  ends[0]!();
  expect(await Promise.all([running, next])).toEqual(['ok', 'next']);
  expect(abandoned).not.toHaveBeenCalled();
});

test('the queue counts against the deadline, and waiting in it never against the breaker', async () => {
  const psp = policy('psp', { deadline: 100, bulkhead: { limit: 1, queue: 5 }, breaker: { failures: 2 } });
  const { work, ends } = stubborn();
  const calls = Array.from({ length: 4 }, () => outcome(psp.execute(work)));
  await jest.advanceTimersByTimeAsync(100);
  for (const call of calls) expect(await call).toMatchObject({ name: 'DeadlineExceededError' });
  expect(ends).toHaveLength(1);
  expect(psp.state).toBe('closed');
});

test('those in the queue are turned away when the breaker opens before their turn', async () => {
  const psp = policy('psp', { bulkhead: { limit: 1, queue: 5 }, breaker: { failures: 1 } });
  const work = jest.fn(() => Promise.reject(new Error('503')));
  const results = await Promise.all(Array.from({ length: 5 }, () => outcome(psp.execute(work))));
  expect(work).toHaveBeenCalledTimes(1);
  expect(results.slice(1).every((error) => error instanceof BreakerOpenError)).toBe(true);
});

test('a caller that is already gone starts nothing', async () => {
  const work = jest.fn();
  for (const options of [{}, { bulkhead: 1 }])
    expect(await outcome(policy('psp', options).execute(work, AbortSignal.abort(new Error('gone'))))).toEqual(new Error('gone'));
  expect(work).not.toHaveBeenCalled();
});
