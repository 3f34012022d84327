import { cancel, capture, refund } from './operation.js';
import type { Operation } from './operation.entity.js';

const operation = (fields: Partial<Operation>): Operation =>
  ({ kind: 'authorisation', state: 'succeeded', amount: 1_000, currency: 'EUR', captured: 0, refunded: 0, ...fields }) as Operation;
const wanted = (amount: number, currency = 'EUR') => operation({ kind: 'capture', state: 'processing', amount, currency });

describe('capture', () => {
  it('takes what was authorised, and nothing past it', () => {
    const authorisation = operation({});
    expect(capture(authorisation, wanted(600))).toEqual({ state: 'succeeded' });
    expect(capture(authorisation, wanted(401))).toEqual({ state: 'failed', code: 'amount_exceeds_authorisation' });
    expect(capture(authorisation, wanted(400))).toEqual({ state: 'succeeded' });
    expect(authorisation.captured).toBe(1_000);
  });

  it.each([
    ['authorisation_unknown', null],
    ['authorisation_unknown', operation({ kind: 'capture' })],
    ['authorisation_cancelled', operation({ state: 'cancelled' })],
    ['not_authorised', operation({ state: 'processing' })],
    ['not_authorised', operation({ state: 'failed' })],
    ['currency_mismatch', operation({ currency: 'USD' })],
  ])('is refused as %s', (code, authorisation) => {
    expect(capture(authorisation, wanted(1))).toEqual({ state: 'failed', code });
  });
});

describe('refund', () => {
  it('gives back what was taken, and nothing past it', () => {
    const authorisation = operation({ captured: 500 });
    expect(refund(authorisation, wanted(501))).toEqual({ state: 'failed', code: 'amount_exceeds_capture' });
    expect(refund(authorisation, wanted(500))).toEqual({ state: 'succeeded' });
    expect(refund(authorisation, wanted(1))).toEqual({ state: 'failed', code: 'amount_exceeds_capture' });
  });
});

describe('cancel', () => {
  it.each(['received', 'processing', 'succeeded', 'cancelled'] as const)('calls off an authorisation that is %s', (state) => {
    const target = operation({ state });
    expect(cancel(target)).toEqual({ state: 'succeeded' });
    expect(target.state).toBe('cancelled');
  });

  it('leaves a failed one as it is', () => {
    const target = operation({ state: 'failed' });
    expect(cancel(target)).toEqual({ state: 'succeeded' });
    expect(target.state).toBe('failed');
  });

  it('does not undo what has moved money', () => {
    expect(cancel(operation({ captured: 1 }))).toEqual({ state: 'failed', code: 'already_captured' });
    expect(cancel(operation({ kind: 'refund' }))).toEqual({ state: 'failed', code: 'already_done' });
  });
});
