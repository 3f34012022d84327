import { randomUUID } from 'node:crypto';
import { eventually } from '@ballast/testing';
import { EUR, failed, Harness, succeeded } from './harness.js';
import { together } from './together.js';

let h: Harness;
const all = together();
beforeAll(async () => {
  h = await Harness.start();
  all.begin();
}, 60_000);
afterAll(() => h?.stop());

const anId = expect.stringMatching(/^[0-9a-f-]{36}$/);

describe('a payment, from authorisation to capture', () => {
  it.each(['tok_ok', 'tok_slow', 'tok_flaky', 'tok_unknown'])(
    '%s: authorised, captured once, here and in the books of psp',
    async (token) => {
      const order = h.order(token);
      expect(await order.authorise()).toEqual(succeeded({ paymentId: anId }));
      expect(await order.payment()).toMatchObject({ status: 'AUTHORISED', captured: EUR(0) });
      expect(await order.capture()).toEqual(succeeded());
      expect(await order.payment()).toMatchObject({ status: 'CAPTURED', amount: EUR(1_500), captured: EUR(1_500), refunded: EUR(0) });
      expect(await h.psp.books(order.id)).toMatchObject([
        { kind: 'authorisation', amount: EUR(1_500) },
        { kind: 'capture', amount: EUR(1_500) },
      ]);
    },
  );

  for (const [token, code] of [
    ['tok_declined', 'PAYMENT_DECLINED'],
    ['tok_insufficient_funds', 'INSUFFICIENT_FUNDS'],
    ['tok_nobody_knows', 'PAYMENT_DECLINED'],
  ] as const)
    all.it(`${token}: refused with ${code}, as often as it is asked`, async () => {
      const order = h.order(token);
      expect(await order.authorise()).toEqual(failed(code));
      expect(await order.authorise()).toEqual(failed(code));
      expect(await order.payment()).toMatchObject({ status: 'DECLINED' });
      expect(await order.capture()).toEqual(failed('NOT_AUTHORISED'));
      expect(await order.void()).toEqual(succeeded());
      expect(await order.books()).toEqual([]);
    });

  all.it('an order of nothing is paid without moving money', async () => {
    const order = h.order('tok_ok', 0);
    await order.paid();
    expect(await order.payment()).toMatchObject({ status: 'CAPTURED', captured: EUR(0) });
  });
});

describe('the same again changes nothing', () => {
  all.it('a message delivered five times has one effect, and whoever asks again is given the same answer', async () => {
    const order = h.order('tok_ok');
    const authorise = randomUUID();
    for (let i = 0; i < 5; i++) await order.sendAuthorise(authorise);
    await h.reply(authorise);
    const capture = randomUUID();
    for (let i = 0; i < 5; i++) await order.sendCapture(capture);
    await h.reply(capture);
    const last = await order.void(); // same key, so it is handled after all of them
    expect(last).toEqual(failed('PAYMENT_CAPTURED'));
    // Those that come while the first is at work have its answer; those that come after it get that one again.
    for (const command of [authorise, capture]) {
      const [first, ...more] = h.repliesTo(command);
      expect(first).toMatchObject({ outcome: 'succeeded' });
      for (const again of more) expect(again).toEqual(first);
    }
    expect(await order.books()).toEqual(['authorisation', 'capture']);
  });

  all.it('commands of other ids are answered as the first was, while it runs and afterwards', async () => {
    const order = h.order('tok_slow');
    const running = [await order.sendAuthorise(), await order.sendAuthorise()];
    const [first, second] = await Promise.all(running.map((id) => h.reply(id)));
    expect(first).toEqual(succeeded({ paymentId: anId }));
    expect(second).toEqual(first);
    expect(await order.authorise()).toEqual(first);

    const captures = [await order.sendCapture(), await order.sendCapture()];
    for (const id of captures) expect(await h.reply(id)).toEqual(succeeded());
    expect(await order.capture()).toEqual(succeeded());
    expect(await order.authorise()).toEqual(first);
    expect(await order.books()).toEqual(['authorisation', 'capture']);
  });
});

describe('giving up', () => {
  all.it('releases what was authorised, however often it is asked', async () => {
    const order = h.order('tok_ok');
    await order.authorise();
    expect(await order.void()).toEqual(succeeded());
    expect(await order.void()).toEqual(succeeded());
    expect(await order.payment()).toMatchObject({ status: 'VOIDED' });
    expect(await order.authorise()).toEqual(failed('PAYMENT_VOIDED'));
    expect(await order.capture()).toEqual(failed('NOT_AUTHORISED'));
    expect(await order.books()).toEqual(['cancellation']);
  });

  all.it('that overtakes the authorisation leaves a tombstone that refuses it', async () => {
    const order = h.order('tok_ok');
    expect(await order.void()).toEqual(succeeded());
    expect(await order.authorise()).toEqual(failed('PAYMENT_VOIDED'));
    expect(await order.capture()).toEqual(failed('NOT_AUTHORISED'));
    expect(await order.void()).toEqual(succeeded());
    expect(await order.books()).toEqual([]);
    expect(await order.payment()).toBeUndefined();
  });

  for (const token of ['tok_slow', 'tok_flaky', 'tok_unknown'])
    all.it(`while the authorisation runs (${token}) holds no money in the end`, async () => {
      const order = h.order(token);
      const authorise = await order.sendAuthorise();
      expect(await order.void()).toEqual(succeeded());
      expect(await h.reply(authorise)).toMatchObject({ outcome: expect.stringMatching(/failed|succeeded/) });
      expect(await order.payment()).toMatchObject({ status: 'VOIDED' });
      expect(await order.authorise()).toEqual(failed('PAYMENT_VOIDED'));
      expect(await order.books()).toEqual(['cancellation']);
    });

  all.it('a slow authorisation that is at work at the processor is called off there', async () => {
    const order = h.order('tok_slow');
    const authorise = await order.sendAuthorise();
    const { paymentId } = await eventually(async () => {
      const payment = await order.payment();
      expect(await h.psp.ask(`${payment.paymentId}:authorise`)).toMatchObject({ state: 'processing' });
      return payment;
    });
    expect(await order.void()).toEqual(succeeded());
    expect(await h.reply(authorise)).toEqual(failed('PAYMENT_VOIDED'));
    expect(await h.psp.ask(`${paymentId}:authorise`)).toMatchObject({ state: 'cancelled' });
  });

  all.it('comes too late after the capture', async () => {
    const order = h.order('tok_ok');
    await order.paid();
    expect(await order.void()).toEqual(failed('PAYMENT_CAPTURED'));
    expect(await order.payment()).toMatchObject({ status: 'CAPTURED' });
  });

  all.it('during a capture: the processor says which came first, and both answers agree with it', async () => {
    const order = h.order('tok_slow');
    await order.authorise();
    const capture = await order.sendCapture();
    const voided = await order.void();
    const captured = await h.reply(capture);
    expect([voided.outcome, captured.outcome].sort()).toEqual(['failed', 'succeeded']);
    expect(await order.payment()).toMatchObject({ status: captured.outcome === 'succeeded' ? 'CAPTURED' : 'VOIDED' });
    expect(await order.books()).toEqual(captured.outcome === 'succeeded' ? ['authorisation', 'capture'] : ['cancellation']);
  });
});

describe('a capture the processor refuses', () => {
  all.it('is refused for good, and the payment can still be given up', async () => {
    const order = h.order('tok_ok');
    await order.authorise();
    const { paymentId } = await order.payment();
    await h.psp.post('/v1/cancellations', randomUUID(), { operation: `${paymentId}:authorise` });
    expect(await order.capture()).toEqual(failed('CAPTURE_REFUSED'));
    expect(await order.payment()).toMatchObject({ status: 'CAPTURE_REFUSED', captured: EUR(0) });
    expect(await order.void()).toEqual(succeeded());
    expect(await order.capture()).toEqual(failed('CAPTURE_REFUSED'));
  });

  all.it('a capture of what nobody authorised', async () => {
    expect(await h.order('tok_ok').capture()).toEqual(failed('NOT_AUTHORISED'));
  });
});
