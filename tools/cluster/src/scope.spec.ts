import { ClosedError, Scope } from './scope.js';

describe('a scope', () => {
  let stopped: string[];
  let scope: Scope;
  const stop = (name: string) => void stopped.push(name);
  beforeEach(() => {
    stopped = [];
    scope = new Scope();
  });

  it('stops what it owns, the latest first, once', async () => {
    await scope.own(() => Promise.resolve('kafka'), stop);
    await scope.own(() => Promise.resolve('service'), stop);
    await Promise.all([scope.close(), scope.close()]);
    expect(stopped).toEqual(['service', 'kafka']);
  });

  it('aborts what is still starting, waits for it, and stops what came up all the same', async () => {
    let finish: (name: string) => void = () => undefined;
    const obedient = scope.own(
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gave up')))),
      stop,
    );
    const stubborn = scope.own(() => new Promise<string>((resolve) => (finish = resolve)), stop);
    const outcomes = Promise.allSettled([obedient, stubborn]);
    const closed = scope.close();
    finish('postgres');
    await closed;
    expect(stopped).toEqual(['postgres']);
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('does not abort what has started: it is stopped in its turn', async () => {
    let aborted = false;
    await scope.own((signal) => {
      signal.addEventListener('abort', () => (aborted = true));
      return Promise.resolve('kafka');
    }, stop);
    await scope.close();
    expect([aborted, stopped]).toEqual([false, ['kafka']]);
  });

  it('starts nothing once it closes', async () => {
    await scope.close();
    await expect(scope.own(() => Promise.resolve('late'), stop)).rejects.toThrow(ClosedError);
    expect(stopped).toEqual([]);
  });

  it('stops the others when one cannot be stopped', async () => {
    await scope.own(() => Promise.resolve('kafka'), stop);
    await scope.own(
      () => Promise.resolve(),
      () => Promise.reject(new Error('will not')),
    );
    await expect(scope.close()).rejects.toThrow('Not everything could be stopped');
    expect(stopped).toEqual(['kafka']);
  });
});
