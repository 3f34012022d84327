import { Payment } from './payment.entity.js';

const pending = () => Payment.pending('p', { orderId: 'o', accountId: 'a', amount: { amount: 500, currency: 'EUR' }, token: 'tok_ok' });

describe('Payment', () => {
  it('starts pending, with nothing captured', () => {
    expect(pending()).toMatchObject({ status: 'PENDING', amount: 500, currency: 'EUR', captured: 0, refunded: 0, isTombstone: false });
  });

  it.each([
    ['authorised', (p: Payment) => p.authorised()],
    ['declined', (p: Payment) => p.declined('PAYMENT_DECLINED')],
    ['voided', (p: Payment) => p.voided()],
  ])('drops the card token once it is %s', (_, settle) => {
    const payment = pending();
    settle(payment);
    expect(payment.token).toBeNull();
  });

  it('is captured as a whole, even when it was being given up: the money is here', () => {
    const payment = pending();
    payment.voided();
    payment.wasCaptured();
    expect(payment).toMatchObject({ status: 'CAPTURED', captured: 500 });
  });

  it('stays voided when its capture is refused afterwards, and remembers the refusal', () => {
    const payment = pending();
    payment.voided();
    payment.captureRefused();
    expect(payment).toMatchObject({ status: 'VOIDED', refusal: 'CAPTURE_REFUSED' });
  });

  it('has a tombstone that belongs to nobody', () => {
    expect(Payment.tombstone('p', 'o')).toMatchObject({ status: 'VOIDED', isTombstone: true, amount: 0 });
  });
});
