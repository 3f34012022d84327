import { authorisePayment, capturePayment, commitStock, releaseStock, reserveStock, voidPayment } from '@ballast/contracts';
import { given } from '@ballast/saga/testing';
import { CheckoutSaga, type Checkout } from './checkout.saga.js';
import type { OrderService } from './order.service.js';

const orderId = '0198c1b0-0000-7000-8000-00000000000a';
const accountId = '0198c1b0-0000-7000-8000-00000000000b';
const paymentId = '0198c1b0-0000-7000-8000-00000000000c';
const items = [{ sku: 'sku-001', quantity: 2 }];
const amount = { amount: 4200, currency: 'EUR' };
const state: Checkout = { orderId, accountId, items, total: amount, paymentToken: 'tok_ok' };

const reserve = reserveStock({ orderId, items });
const authorise = authorisePayment({ orderId, accountId, amount, token: 'tok_ok' });
const capture = capturePayment({ orderId });
const commit = commitStock({ orderId });
const release = releaseStock({ orderId });
const unhold = voidPayment({ orderId });

describe('checkout', () => {
  const told: string[] = [];
  const orders = {
    confirm: async (_tx: unknown, id: string) => void told.push(`confirm ${id}`),
    reject: async (_tx: unknown, id: string, reason: string) => void told.push(`reject ${id}: ${reason}`),
  };
  const checkout = () => given(new CheckoutSaga(orders as unknown as OrderService).definition, state);
  beforeEach(() => void told.splice(0));

  const rejectedWith = (code: string) => expect(told).toEqual([`reject ${orderId}: ${code}`]);

  it('reserves, authorises, captures, commits, confirms', async () => {
    await checkout()
      .expect(reserve)
      .succeeds()
      .expect(authorise)
      .succeeds({ paymentId })
      .expect(capture)
      .succeeds()
      .expect(commit)
      .succeeds()
      .completed();
    expect(told).toEqual([`confirm ${orderId}`]);
  });

  it('without stock ends at once: nothing was held', async () => {
    await checkout().expect(reserve).fails('OUT_OF_STOCK').rolledBack();
    rejectedWith('OUT_OF_STOCK');
  });

  it('gives the stock back when the payment is declined', async () => {
    await checkout().expect(reserve).succeeds().expect(authorise).fails('PAYMENT_DECLINED').expect(release).succeeds().rolledBack();
    rejectedWith('PAYMENT_DECLINED');
  });

  it('gives up payment and stock, in reverse, when the capture is refused', async () => {
    await checkout()
      .expect(reserve)
      .succeeds()
      .expect(authorise)
      .succeeds({ paymentId })
      .expect(capture)
      .fails('CAPTURE_REFUSED')
      .expect(unhold)
      .succeeds()
      .expect(release)
      .succeeds()
      .rolledBack();
    rejectedWith('CAPTURE_REFUSED');
  });

  it('also voids an authorisation that never answered: it may have happened', async () => {
    await checkout()
      .expect(reserve)
      .succeeds()
      .expect(authorise)
      .timesOut()
      .expect(unhold)
      .succeeds()
      .expect(release)
      .succeeds()
      .rolledBack();
    rejectedWith('TIMED_OUT');
  });

  it('asks again for a capture that never answered, and never guesses', async () => {
    await checkout()
      .expect(reserve)
      .succeeds()
      .expect(authorise)
      .succeeds({ paymentId })
      .expect(capture)
      .timesOut()
      .expect(capture)
      .succeeds()
      .expect(commit)
      .succeeds()
      .completed();
  });

  it('once captured only goes forward: a commit that keeps failing is STUCK, and an operator can resume it', async () => {
    const captured = checkout().expect(reserve).succeeds().expect(authorise).succeeds({ paymentId }).expect(capture).succeeds();
    await captured.expect(commit).keepsFailing('NOT_RESERVED').stuck();
    expect(told).toEqual([]);
    await captured.expect(commit).keepsFailing('NOT_RESERVED').resumes().expect(commit).succeeds().completed();
  });

  it('is the same after a restart between any two steps, and after each reply came twice', async () => {
    await checkout()
      .restarts()
      .expect(reserve)
      .restarts()
      .repliesTwice()
      .restarts()
      .expect(authorise)
      .restarts()
      .repliesTwice({ paymentId })
      .restarts()
      .expect(capture)
      .restarts()
      .repliesTwice()
      .restarts()
      .expect(commit)
      .restarts()
      .repliesTwice()
      .completed();
    expect(told).toEqual([`confirm ${orderId}`]);
  });
});
