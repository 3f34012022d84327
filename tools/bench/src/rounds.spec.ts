import { type Scale, warmUp } from './rounds.js';

const scale = (quick = false): Scale => ({ rounds: 7, quick, say: () => undefined, signal: new AbortController().signal });

const turns = (speeds: readonly number[]) => {
  const left = [...speeds];
  return () => Promise.resolve(left.shift()!);
};

describe('warmUp', () => {
  it('goes on while turns get faster, and past two that did not', async () => {
    const speeds = [1, 2, 1.9, 1.8, 3, 3.05, 3.08, 2, 9];
    await expect(warmUp(scale(), 'side', turns(speeds))).resolves.toEqual([1, 2, 1.9, 1.8, 3, 3.05, 3.08, 2]);
  });

  it('ends, whatever happens', async () => {
    await expect(warmUp(scale(), 'side', turns(Array.from({ length: 99 }, (_, n) => n + 1)))).resolves.toHaveLength(15);
  });

  it('is one turn of a quick run', async () => {
    await expect(warmUp(scale(true), 'side', turns([1, 2]))).resolves.toEqual([1]);
  });

  it('ends with the run', async () => {
    const signal = AbortSignal.abort(new Error('over'));
    await expect(warmUp({ ...scale(), signal }, 'side', turns([1]))).rejects.toThrow('over');
  });
});
