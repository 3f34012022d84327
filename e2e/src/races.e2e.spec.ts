import { randomUUID } from 'node:crypto';
import { eventually } from '@ballast/testing';
import { onHand, settlement, type PaymentView } from './books.js';
import { inTurns } from './in-turns.js';
import { platform } from './platform.js';
import { expectProblem } from './problem.js';
import { Shopper, type Answer, type OrderView } from './shop.js';

const { gateway, credentials } = platform();
const price = { amount: 1_250, currency: 'EUR' };

let merchant: Shopper;
beforeAll(async () => void (merchant = await Shopper.signIn(gateway, credentials.merchant)));

const newProduct = async (stock: number): Promise<string> => {
  const sku = `race-${randomUUID().slice(0, 8)}`;
  await merchant.put(`/products/${sku}`, { name: 'Raced for', price, stock });
  return sku;
};
const ledger = async () => (await merchant.get<{ balanced: boolean }>('/payments/ledger')).body;

describe('two hundred buyers and the last fifty pieces', () => {
  const BUYERS = 200;
  const PIECES = 50;
  let sku: string;
  let buyers: Shopper[];
  let orders: OrderView[];

  beforeAll(async () => {
    sku = await newProduct(PIECES);
    // Two hashes a time are what auth computes at once; a few more keep it busy.
    buyers = await inTurns(8, Array.from({ length: BUYERS }), () => Shopper.register(gateway));
    await buyers[0]!.knows(sku);
    await inTurns(8, buyers, async (buyer) => buyer.put(`/cart/items/${sku}`, { quantity: 1 }));
    // More in hand wait longer for one of cart's connections than the 5 s a request has, on a slow machine; the sagas are all under way together.
    const accepted = await inTurns(50, buyers, (buyer) => buyer.checkout({}, 'tok_ok'));
    expect(accepted.map(({ status }) => status)).toEqual(accepted.map(() => 202));
    orders = await inTurns(8, buyers, (buyer, i) => buyer.final(accepted[i]!.body.orderId, 120_000));
  }, 300_000);

  it('fifty are confirmed, the others rejected because nothing is left', async () => {
    const ends = (status: string) => orders.filter((order) => order.status === status);
    expect([ends('CONFIRMED').length, ends('REJECTED').length]).toEqual([PIECES, BUYERS - PIECES]);
    expect(new Set(ends('REJECTED').map(({ reason }) => reason))).toEqual(new Set(['OUT_OF_STOCK']));
  });

  it('nothing is left, and nothing is held', async () => {
    await eventually(async () => expect(await onHand(merchant, sku)).toBe(0));
    // Stock may not be set below what is held: 0 is accepted only when nothing is.
    expect((await merchant.put(`/products/${sku}`, { name: 'Raced for', price, stock: 0 })).status).toBe(200);
  });

  it('who got a piece paid for it once, here and at the processor, and nobody else', async () => {
    const paid = await inTurns(8, buyers, async (buyer, i) => {
      const { body } = await buyer.get<{ items: PaymentView[] }>(`/payments?orderId=${orders[i]!.orderId}`);
      return body.items.map(({ paymentId, captured }) => ({ paymentId, captured: captured.amount }));
    });
    expect(paid.map((payments) => payments.reduce((sum, { captured }) => sum + captured, 0))).toEqual(
      orders.map(({ status }) => (status === 'CONFIRMED' ? price.amount : 0)),
    );
    const captures = (await settlement()).filter(({ kind }) => kind === 'capture');
    const atProcessor = paid.map(
      (payments) => payments.flatMap(({ paymentId }) => captures.filter(({ key }) => key.startsWith(paymentId))).length,
    );
    expect(atProcessor).toEqual(orders.map(({ status }) => (status === 'CONFIRMED' ? 1 : 0)));
    expect((await ledger()).balanced).toBe(true);
  });
});

describe('a hundred refunds of one payment at once', () => {
  const REFUNDS = 100;
  const AMOUNT = 100;
  let payment: PaymentView;
  let answers: Answer[];

  beforeAll(async () => {
    const buyer = await Shopper.register(gateway);
    const sku = await newProduct(1);
    await buyer.knows(sku);
    const { orderId, status } = await buyer.buy({ [sku]: 1 });
    expect(status).toBe('CONFIRMED');
    payment = (await buyer.get<{ items: PaymentView[] }>(`/payments?orderId=${orderId}`)).body.items[0]!;
    const amount = { amount: AMOUNT, currency: 'EUR' };
    const refund = () => merchant.post(`/payments/${payment.paymentId}/refunds`, { amount }, { 'idempotency-key': randomUUID() });
    answers = await Promise.all(Array.from({ length: REFUNDS }, refund));
  });

  it('as many are booked as the capture has room for, the others are told so', async () => {
    const booked = answers.filter(({ status }) => status === 201);
    expect(booked).toHaveLength(Math.floor(price.amount / AMOUNT));
    for (const answer of answers) if (answer.status !== 201) expectProblem(answer, '409 PAYMENT_REFUND_EXCEEDS_CAPTURE');
    const { body } = await merchant.get<PaymentView>(`/payments/${payment.paymentId}`);
    expect(body.refunded.amount).toBe(booked.length * AMOUNT);
  });

  it('the processor gave back what was booked, and no more; the ledger balances', async () => {
    const refunded = async () =>
      (await settlement())
        .filter(({ kind, target }) => kind === 'refund' && target?.startsWith(payment.paymentId))
        .reduce((sum, { amount }) => sum + amount.amount, 0);
    await eventually(async () => expect(await refunded()).toBe(Math.floor(price.amount / AMOUNT) * AMOUNT));
    expect((await ledger()).balanced).toBe(true);
  });
});

describe('a hundred refunds at once with one key', () => {
  it('give back once', async () => {
    const buyer = await Shopper.register(gateway);
    const sku = await newProduct(1);
    await buyer.knows(sku);
    const { orderId } = await buyer.buy({ [sku]: 1 });
    const { paymentId } = (await buyer.get<{ items: PaymentView[] }>(`/payments?orderId=${orderId}`)).body.items[0]!;
    const key = { 'idempotency-key': randomUUID() };
    // Room for a second one: nothing but the key is in its way.
    const refund = () => merchant.post(`/payments/${paymentId}/refunds`, { amount: { amount: 100, currency: 'EUR' } }, key);
    const answers = await Promise.all(Array.from({ length: 100 }, refund));

    const booked = answers.filter(({ status }) => status === 201);
    expect(new Set(booked.map(({ body }) => body['refundId'])).size).toBe(1);
    for (const answer of answers) if (answer.status !== 201) expectProblem(answer, '409 IDEMPOTENCY_KEY_IN_USE');
    expect((await merchant.get<PaymentView>(`/payments/${paymentId}`)).body.refunded.amount).toBe(100);
  });
});
