import { BreakerOpenError, BulkheadFullError, policy } from './index.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const broken = () => Promise.reject(new Error('503'));
const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

/** Work that waits to be told its end. */
function held() {
  let calls = 0;
  let end!: (error?: Error) => void;
  const work = () => {
    calls++;
    return new Promise<string>((resolve, reject) => (end = (error) => (error ? reject(error) : resolve('ok'))));
  };
  return { work, calls: () => calls, end: (error?: Error) => end(error) };
}

async function opened() {
  const psp = policy('psp', { breaker: { failures: 2, resetAfter: '10s' } });
  await outcome(psp.execute(broken));
  await outcome(psp.execute(broken));
  expect(psp.state).toBe('open');
  return psp;
}

test('opens after failures in a row, and then does not call', async () => {
  const psp = await opened();
  const work = jest.fn();
  expect(await outcome(psp.execute(work))).toBeInstanceOf(BreakerOpenError);
  expect(work).not.toHaveBeenCalled();
});

test('half-open lets one probe through, not a stampede', async () => {
  const psp = await opened();
  await jest.advanceTimersByTimeAsync(10_000);
  const probe = held();
  const calls = Array.from({ length: 10 }, () => outcome(psp.execute(probe.work)));
  await jest.advanceTimersByTimeAsync(0);
  expect(psp.state).toBe('half-open');
  probe.end();
  const results = await Promise.all(calls);
  expect(probe.calls()).toBe(1);
  expect(results[0]).toBe('ok');
  expect(results.slice(1).every((error) => error instanceof BreakerOpenError)).toBe(true);
  expect(psp.state).toBe('closed');
});

test('a probe that fails opens it for the whole time again', async () => {
  const psp = await opened();
  await jest.advanceTimersByTimeAsync(10_000);
  await outcome(psp.execute(broken));
  await jest.advanceTimersByTimeAsync(9_999);
  expect(await outcome(psp.execute(broken))).toBeInstanceOf(BreakerOpenError);
});

test('a probe that its caller cancelled proves nothing and does not close it', async () => {
  const psp = await opened();
  await jest.advanceTimersByTimeAsync(10_000);
  const caller = new AbortController();
  const probe = outcome(psp.execute(held().work, caller.signal));
  await jest.advanceTimersByTimeAsync(0);
  expect(psp.state).toBe('half-open');
  caller.abort(new Error('client left'));
  expect(await probe).toEqual(new Error('client left'));
  expect(psp.state).toBe('open');
});

test('callers who give up do not open it, a callee that runs into their deadline does', async () => {
  const psp = policy('psp', { breaker: { failures: 2 } });
  for (let i = 0; i < 5; i++) {
    const caller = new AbortController();
    const call = outcome(psp.execute(held().work, caller.signal));
    await jest.advanceTimersByTimeAsync(0);
    caller.abort(new Error('client left'));
    await call;
  }
  expect(psp.state).toBe('closed');
  const request = policy('request', { deadline: 100 });
  for (let i = 0; i < 2; i++) {
    const call = outcome(request.execute(({ signal }) => psp.execute(held().work, signal)));
    await jest.advanceTimersByTimeAsync(100);
    await call;
  }
  expect(psp.state).toBe('open');
});

test('an error of the work that looks like a full bulkhead elsewhere is neither retried nor counted', async () => {
  const psp = policy('psp', { breaker: { failures: 1 }, retry: { attempts: 3 } });
  const work = jest.fn(() => Promise.reject(new BulkheadFullError('other')));
  expect(await outcome(psp.execute(work))).toMatchObject({ policy: 'other' });
  expect(work).toHaveBeenCalledTimes(1);
  expect(psp.state).toBe('closed');
});
