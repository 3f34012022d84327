import { eventually } from '@ballast/testing';
import { EUR, Harness, succeeded } from './harness.js';

let h: Harness;
beforeAll(async () => (h = await Harness.start()), 60_000);
afterAll(() => h?.stop());

it('payment is killed between the call and its record: started again it finds out, and there is one capture', async () => {
  const order = h.order('tok_slow');
  await order.authorise();
  const { paymentId } = await order.payment();
  await h.payment.close();
  const victim = await h.startPaymentProcess();
  const capture = await order.sendCapture();
  await eventually(async () => expect(await h.psp.ask(`${paymentId}:capture`)).toMatchObject({ state: 'processing' }), { timeout: 30_000 });
  await victim.stop({ signal: 'SIGKILL' });
  await eventually(async () => expect(await h.psp.ask(`${paymentId}:capture`)).toMatchObject({ state: 'succeeded' }));

  await h.startPayment();
  expect(await order.payment()).toMatchObject({ status: 'CAPTURING' });
  expect(await h.reply(capture)).toEqual(succeeded());
  expect(await order.payment()).toMatchObject({ status: 'CAPTURED', captured: EUR(1_500) });
  expect(await order.books()).toEqual(['authorisation', 'capture']);
  const merchant = await h.payment.token(undefined, ['merchant']);
  expect((await h.payment.request('/payments/ledger', { token: merchant })).body.balanced).toBe(true);
}, 120_000);
