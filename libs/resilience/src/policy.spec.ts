import { DeadlineExceededError, type PolicyEvent, observePolicies, policy } from './index.js';

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(Math, 'random').mockReturnValue(0.999_999);
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const broken = () => Promise.reject(new Error('503'));
const hanging = () => new Promise<never>(() => undefined);
/** The promise's outcome as a value, so that it may settle while timers advance. */
const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe('deadline', () => {
  test('ends a call whose work hangs, and cancels the work', async () => {
    let signal: AbortSignal | undefined;
    const call = outcome(
      policy('psp', { deadline: '5s' }).execute((context) => {
        signal = context.signal;
        return hanging();
      }),
    );
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await call).toMatchObject({ name: 'DeadlineExceededError', policy: 'psp', scope: 'call' });
    expect(signal?.aborted).toBe(true);
  });

  test('is not extended by retries: no attempt starts after it, and none is waited for that would', async () => {
    const starts: number[] = [];
    const begun = Date.now();
    const call = outcome(
      policy('psp', { deadline: 1_000, retry: { attempts: 100, initialDelay: 100, maxDelay: 400 } }).execute(() => {
        starts.push(Date.now() - begun);
        return broken();
      }),
    );
    await jest.advanceTimersByTimeAsync(700);
    // After the attempt at 698 ms the next would start at 1,097: the error is given at once instead.
    expect(await call).toMatchObject({ message: '503' });
    expect(starts).toEqual([0, 99, 298, 697]);
  });

  test('shrinks as it travels: a callee sees what its caller has left, and stops with it', async () => {
    const outer = policy('outer', { deadline: 1_000 });
    const inner = policy('inner', { deadline: '1h', attemptTimeout: '1h' });
    let left = NaN;
    const call = outcome(
      outer.execute(async ({ signal }) => {
        await new Promise((resolve) => setTimeout(resolve, 400));
        return inner.execute(({ remaining, signal: mine }) => {
          left = remaining();
          return new Promise((_, reject) => mine.addEventListener('abort', () => reject(new Error('stopped'))));
        }, signal);
      }),
    );
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await call).toMatchObject({ policy: 'outer' });
    expect(left).toBe(600);
  });

  test('leaves no timer behind', async () => {
    const full = policy('psp', { deadline: '1h', attemptTimeout: '1h', retry: { attempts: 3 }, breaker: { failures: 5 }, bulkhead: 1 });
    await full.execute(() => Promise.resolve('ok'));
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('retry', () => {
  test('repeats a failure with a growing delay, then gives the answer', async () => {
    const attempts: number[] = [];
    const call = policy('psp', { retry: { attempts: 3 } }).execute(({ attempt }) => {
      attempts.push(attempt);
      return attempt < 3 ? broken() : Promise.resolve('paid');
    });
    await jest.advanceTimersByTimeAsync(300);
    expect(await call).toBe('paid');
    expect(attempts).toEqual([1, 2, 3]);
  });

  test('an attempt that takes too long is cancelled and made again', async () => {
    const call = policy('psp', { attemptTimeout: 50, retry: { attempts: 2 } }).execute(({ attempt }) =>
      attempt === 1 ? hanging() : Promise.resolve('paid'),
    );
    await jest.advanceTimersByTimeAsync(200);
    expect(await call).toBe('paid');
  });

  test('the last attempt that takes too long says so', async () => {
    const call = outcome(policy('psp', { attemptTimeout: 50 }).execute(hanging));
    await jest.advanceTimersByTimeAsync(50);
    expect(await call).toEqual(new DeadlineExceededError('psp', 50, 'attempt'));
  });

  test('a budget keeps a callee that is down from three times its load', async () => {
    let calls = 0;
    const psp = policy('psp', { retry: { attempts: 3, initialDelay: 1 } });
    const work = () => {
      calls++;
      return broken();
    };
    for (let call = 0; call < 200; call++) {
      const failed = outcome(psp.execute(work));
      await jest.advanceTimersByTimeAsync(10);
      await failed;
    }
    // 200 calls in 2 seconds: 20 for the tenth, 10 to begin with, 2 for the seconds.
    expect(calls).toBeGreaterThan(200);
    expect(calls).toBeLessThanOrEqual(232);
  });

  test('layers do not multiply: inside a policy that retries, none other does', async () => {
    let calls = 0;
    const client = policy('client', { retry: { attempts: 3, initialDelay: 1 } });
    const service = policy('service', { retry: { attempts: 3, initialDelay: 1 } });
    const call = outcome(
      service.execute(({ signal }) =>
        client.execute(() => {
          calls++;
          return broken();
        }, signal),
      ),
    );
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await call).toMatchObject({ message: '503' });
    expect(calls).toBe(3);
  });

  test('nor does one behind a policy that does not retry itself', async () => {
    let calls = 0;
    const [service, client] = ['service', 'client'].map((name) => policy(name, { retry: { attempts: 3, initialDelay: 1 } }));
    const between = policy('between', { breaker: { failures: 10 } });
    const call = outcome(
      service!.execute(({ signal }) =>
        between.execute(
          ({ signal: inner }) =>
            client!.execute(() => {
              calls++;
              return broken();
            }, inner),
          signal,
        ),
      ),
    );
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await call).toMatchObject({ message: '503' });
    expect(calls).toBe(3);
  });

  test('the caller can give up while it waits for the next attempt', async () => {
    const caller = new AbortController();
    const call = outcome(policy('psp', { retry: { attempts: 3, initialDelay: '1h', maxDelay: '1h' } }).execute(broken, caller.signal));
    await jest.advanceTimersByTimeAsync(1);
    caller.abort(new Error('client left'));
    expect(await call).toEqual(new Error('client left'));
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('what is no failure', () => {
  const refused = Object.assign(new Error('409'), { status: 409 });
  const isFailure = (error: unknown) => (error as { status?: number }).status !== 409;

  test('is not retried, not counted, and thrown on as it is', async () => {
    let calls = 0;
    const psp = policy('psp', { retry: { attempts: 3 }, breaker: { failures: 2 }, isFailure });
    for (let call = 1; call <= 10; call++) {
      const error = await outcome(psp.execute(() => (calls++, Promise.reject(refused))));
      expect(error).toBe(refused);
    }
    expect(calls).toBe(10);
    expect(psp.state).toBe('closed');
  });

  test('shows that the callee lives: failures around it are not in a row', async () => {
    const psp = policy('psp', { breaker: { failures: 2 }, isFailure });
    for (let i = 0; i < 3; i++) {
      await outcome(psp.execute(broken));
      await outcome(psp.execute(() => Promise.reject(refused)));
    }
    expect(psp.state).toBe('closed');
  });
});

test('a listener learns what happens to a call', async () => {
  const seen: PolicyEvent['event'][] = [];
  const stop = observePolicies(({ policy, event }) => policy === 'seen' && seen.push(event));
  const psp = policy('seen', { retry: { attempts: 2 }, breaker: { failures: 2, resetAfter: 1_000 }, attemptTimeout: 50 });
  const failed = outcome(psp.execute(({ attempt }) => (attempt === 1 ? hanging() : broken())));
  await jest.advanceTimersByTimeAsync(200);
  await failed;
  await outcome(psp.execute(broken));
  await jest.advanceTimersByTimeAsync(1_000);
  await psp.execute(() => Promise.resolve());
  stop();
  await psp.execute(() => Promise.resolve());
  expect(seen).toEqual(['timeout', 'retry', 'opened', 'failure', 'rejected', 'half-opened', 'closed', 'success']);
});

test.each([{ retry: { attempts: 0 } }, { breaker: { failures: 1.5 } }, { bulkhead: 0 }, { deadline: 'soon' as '1s' }])(
  'refuses %j when it is declared',
  (options) => expect(() => policy('psp', options)).toThrow(TypeError),
);
