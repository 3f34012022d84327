import { behaviourOf } from './sandbox.js';

describe('the sandbox tokens', () => {
  it.each([
    ['tok_ok', { delay: 0, failures: 0, drops: false }],
    ['tok_declined', { delay: 0, failures: 0, drops: false, decline: 'declined' }],
    ['tok_insufficient_funds', { delay: 0, failures: 0, drops: false, decline: 'insufficient_funds' }],
    ['tok_capture_declined', { delay: 0, failures: 0, drops: false, captureDecline: 'declined' }],
    ['tok_slow', { delay: 3_000, failures: 0, drops: false }],
    ['tok_flaky', { delay: 0, failures: 2, drops: false }],
    ['tok_unknown', { delay: 0, failures: 0, drops: true }],
  ])('%s behaves as the HTTP contract says', (token, behaviour) => {
    expect(behaviourOf(token)).toEqual(behaviour);
  });

  it.each(['tok_nonsense', '', 'constructor', '__proto__'])('declines the unknown token "%s"', (token) => {
    expect(behaviourOf(token).decline).toBe('declined');
  });
});
