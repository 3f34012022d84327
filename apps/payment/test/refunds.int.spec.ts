import { randomUUID } from 'node:crypto';
import { eventually } from '@ballast/testing';
import { EUR, Harness } from './harness.js';
import { together } from './together.js';

let h: Harness;
let merchant: string;
const all = together();
beforeAll(async () => {
  h = await Harness.start();
  merchant = await h.payment.token(undefined, ['merchant']);
  all.begin();
}, 60_000);
afterAll(() => h?.stop());

const refund = (paymentId: string, amount: number, { key = randomUUID() as string, token = merchant, currency = 'EUR' } = {}) =>
  h.payment.request(`/payments/${paymentId}/refunds`, {
    method: 'POST',
    token,
    body: { amount: { amount, currency } },
    headers: { 'idempotency-key': key },
  });
const ledger = async () => (await h.payment.request('/payments/ledger', { token: merchant })).body;
const refunded = async (orderId: string) =>
  (await h.psp.books(orderId)).filter((entry) => entry.kind === 'refund').reduce((sum, entry) => sum + entry.amount.amount, 0);

describe('a refund', () => {
  it.each(['tok_ok', 'tok_slow', 'tok_flaky', 'tok_unknown'])(
    '%s: booked at once, then given back once by the processor',
    async (token) => {
      const order = h.order(token);
      const paymentId = await order.paid();
      expect(await refund(paymentId, 500)).toMatchObject({ status: 201, body: { refundId: expect.any(String), status: 'BOOKED' } });
      expect(await order.payment()).toMatchObject({ status: 'CAPTURED', captured: EUR(1_500), refunded: EUR(500) });
      await eventually(async () => expect(await refunded(order.id)).toBe(500), { timeout: 30_000 });
      expect(await order.books()).toEqual(['authorisation', 'capture', 'refund']);
      expect(await ledger()).toMatchObject({ balanced: true });
    },
  );

  it('a hundred at once never pass the capture, here or at the processor', async () => {
    const order = h.order('tok_ok', 1_500);
    const paymentId = await order.paid();
    const answers = await Promise.all(Array.from({ length: 100 }, () => refund(paymentId, 100)));
    expect(answers.filter((a) => a.status === 201)).toHaveLength(15);
    const refused = answers.filter((a) => a.status !== 201);
    expect(new Set(refused.map((a) => `${a.status} ${a.body.code}`))).toEqual(new Set(['409 PAYMENT_REFUND_EXCEEDS_CAPTURE']));
    expect(await order.payment()).toMatchObject({ refunded: EUR(1_500) });
    await eventually(async () => expect(await refunded(order.id)).toBe(1_500), { timeout: 30_000 });
  });

  it('that the processor refuses is taken back, in the payment and in the ledger', async () => {
    const order = h.order('tok_ok');
    const paymentId = await order.paid();
    const before = await ledger();
    await h.psp.post('/v1/refunds', randomUUID(), { authorisation: `${paymentId}:authorise`, amount: EUR(1_000) }); // by its back office
    expect((await refund(paymentId, 1_000)).status).toBe(201);
    await eventually(async () => expect(await order.payment()).toMatchObject({ refunded: EUR(0), captured: EUR(1_500) }));
    const after = await ledger();
    expect(after.balanced).toBe(true);
    const net = (books: { accounts: { account: string; currency: string; debit: number; credit: number }[] }, account: string) =>
      books.accounts.filter((a) => a.account === account && a.currency === 'EUR').reduce((sum, a) => sum + a.debit - a.credit, 0);
    for (const account of ['psp-receivable', 'sales', 'refunds']) expect(net(after, account)).toBe(net(before, account));
    expect((await refund(paymentId, 500)).status).toBe(201); // what is left can still be given back
  });
});

describe('the Idempotency-Key of a refund', () => {
  it('is required', async () => {
    const answer = await h.payment.request(`/payments/${randomUUID()}/refunds`, {
      method: 'POST',
      token: merchant,
      body: { amount: EUR(1) },
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_KEY_REQUIRED' } });
  });

  it('gives the same answer again, and refuses another body', async () => {
    const order = h.order('tok_ok');
    const paymentId = await order.paid();
    const key = randomUUID();
    const first = await refund(paymentId, 100, { key });
    expect(await refund(paymentId, 100, { key })).toMatchObject({ status: 201, body: first.body });
    expect(await refund(paymentId, 200, { key })).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    expect(await order.payment()).toMatchObject({ refunded: EUR(100) });
  });

  it('is free again after a refusal', async () => {
    const paymentId = await h.order('tok_ok').paid();
    const key = randomUUID();
    expect((await refund(paymentId, 9_999, { key })).status).toBe(409);
    expect((await refund(paymentId, 1, { key })).status).toBe(201);
  });
});

describe('who may do and see what', () => {
  it('only a merchant refunds and reads the ledger', async () => {
    const token = await h.payment.token();
    expect(await refund(randomUUID(), 1, { token })).toMatchObject({ status: 403 });
    expect(await h.payment.request('/payments/ledger', { token })).toMatchObject({ status: 403 });
    expect(await h.payment.request('/payments/ledger')).toMatchObject({ status: 401 });
  });

  it('a payment is for its buyer and for merchants', async () => {
    const order = h.order('tok_ok');
    const paymentId = await order.paid();
    const [own, other] = [await h.payment.token(order.accountId), await h.payment.token()];
    const expected = { paymentId, orderId: order.id, status: 'CAPTURED', amount: EUR(1_500), captured: EUR(1_500), refunded: EUR(0) };
    for (const token of [own, merchant]) {
      expect(await h.payment.request(`/payments/${paymentId}`, { token })).toMatchObject({ status: 200, body: expected });
      expect(await h.payment.request(`/payments?orderId=${order.id}`, { token })).toMatchObject({
        status: 200,
        body: { items: [expected], nextCursor: null },
      });
    }
    expect(await h.payment.request(`/payments/${paymentId}`, { token: other })).toMatchObject({
      status: 404,
      body: { code: 'PAYMENT_NOT_FOUND' },
    });
    expect((await h.payment.request(`/payments?orderId=${order.id}`, { token: other })).body).toEqual({ items: [], nextCursor: null });
  });

  it.each(['/payments', '/payments?orderId=', '/payments?orderId=1', '/payments/not-a-uuid'])('%s is malformed', async (path) => {
    expect(await h.payment.request(path, { token: merchant })).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  });

  it.each([{ amount: 5 }, { amount: EUR(0) }, { amount: EUR(-1) }, { amount: EUR(1.5) }, { amount: { amount: 1, currency: 'euro' } }, {}])(
    'a refund of %j is malformed',
    async (body) => {
      const headers = { 'idempotency-key': randomUUID() };
      const answer = await h.payment.request(`/payments/${randomUUID()}/refunds`, { method: 'POST', token: merchant, body, headers });
      expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
    },
  );

  it('refuses a refund of what is not there, was not captured, or was paid in another currency', async () => {
    expect(await refund(randomUUID(), 1)).toMatchObject({ status: 404, body: { code: 'PAYMENT_NOT_FOUND' } });
    const order = h.order('tok_ok');
    await order.authorise();
    const { paymentId } = await order.payment();
    expect(await refund(paymentId, 1)).toMatchObject({ status: 409, body: { code: 'PAYMENT_REFUND_EXCEEDS_CAPTURE' } });
    expect(await refund(paymentId, 1, { currency: 'USD' })).toMatchObject({ status: 409, body: { code: 'PAYMENT_CURRENCY_MISMATCH' } });
  });
});
