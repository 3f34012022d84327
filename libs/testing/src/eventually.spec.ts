import { eventually } from './eventually.js';

describe('eventually', () => {
  it('gives what the assertion returns once it passes', async () => {
    let calls = 0;
    const result = await eventually(
      () => {
        if (++calls < 3) throw new Error('not yet');
        return calls;
      },
      { interval: 1 },
    );
    expect(result).toBe(3);
  });

  it('throws the last error when the time is over', async () => {
    let calls = 0;
    const failing = eventually(
      () => {
        throw new Error(`call ${++calls}`);
      },
      { timeout: 20, interval: 5 },
    );
    await expect(failing).rejects.toThrow(/^call \d+$/);
    expect(calls).toBeGreaterThan(1);
  });
});
