import { eventually } from '@ballast/testing';
import { platform } from './platform.js';
import { capturesOf, onHand } from './books.js';
import { Shopper, type OrderView } from './shop.js';

const { gateway, credentials } = platform();

describe('a checkout', () => {
  let merchant: Shopper;
  beforeAll(async () => void (merchant = await Shopper.signIn(gateway, credentials.merchant)));

  it('ends CONFIRMED: paid once, taken from stock, the cart closed', async () => {
    const buyer = await Shopper.register(gateway);
    const before = await onHand(merchant, 'sku-001');
    const order = await buyer.buy({ 'sku-001': 2, 'sku-002': 1 });

    expect(order).toMatchObject({ status: 'CONFIRMED' });
    expect(outcomesOf(order)).toEqual([
      'reserve stock: succeeded',
      'authorise payment: succeeded',
      'capture payment: succeeded',
      'commit stock: succeeded',
      'confirm order: succeeded',
    ]);
    expect(await onHand(merchant, 'sku-001')).toBe(before - 2);
    expect(await capturesOf(merchant, order.orderId)).toEqual({ payment: order.total.amount, psp: [order.total.amount] });
    await eventually(async () => expect((await buyer.get('/cart')).body).toMatchObject({ items: [] }));
  });

  it.each(['tok_flaky', 'tok_slow', 'tok_unknown'])(
    'with %s ends CONFIRMED with exactly one capture, here and at the processor',
    async (token) => {
      const buyer = await Shopper.register(gateway);
      const order = await buyer.buy({ 'sku-003': 1 }, token);
      expect(order.status).toBe('CONFIRMED');
      expect(await capturesOf(merchant, order.orderId)).toEqual({ payment: order.total.amount, psp: [order.total.amount] });
    },
  );

  it.each([
    ['tok_declined', 'PAYMENT_DECLINED'],
    ['tok_insufficient_funds', 'INSUFFICIENT_FUNDS'],
  ])('with %s ends REJECTED: stock released, nothing captured, the cart open again', async (token, reason) => {
    const buyer = await Shopper.register(gateway);
    const available = async () => (await merchant.get<{ available: number }>('/products/sku-004')).body.available;
    const before = await available();
    const order = await buyer.buy({ 'sku-004': 3 }, token);

    expect(order).toMatchObject({ status: 'REJECTED', reason });
    expect(outcomesOf(order)).toEqual(['reserve stock: succeeded', 'authorise payment: failed', 'reserve stock: undone']);
    expect(await available()).toBe(before);
    expect(await capturesOf(merchant, order.orderId)).toEqual({ payment: 0, psp: [] });
    await buyer.cartOpens();
    await expect(buyer.get('/cart')).resolves.toMatchObject({ body: { items: [{ sku: 'sku-004', quantity: 3 }] } });
    expect((await buyer.buy({}, 'tok_ok')).status).toBe('CONFIRMED');
  });

  it('that asks for more than there is ends REJECTED and holds nothing', async () => {
    const buyer = await Shopper.register(gateway);
    await merchant.put('/products/sku-scarce', { name: 'Scarce', price: { amount: 500, currency: 'EUR' }, stock: 1 });
    await buyer.knows('sku-scarce');
    const order = await buyer.buy({ 'sku-scarce': 2 });
    expect(order).toMatchObject({ status: 'REJECTED', reason: 'OUT_OF_STOCK' });
    await expect(merchant.get('/products/sku-scarce')).resolves.toMatchObject({ body: { available: 1 } });
  });

  it('is not held up by ten slow ones', async () => {
    const slow = await Promise.all(Array.from({ length: 10 }, () => Shopper.register(gateway)));
    const quick = await Shopper.register(gateway);
    const started = await Promise.all(slow.map((buyer) => buyer.checkout({ 'sku-005': 1 }, 'tok_slow')));
    expect((await quick.buy({ 'sku-005': 1 })).status).toBe('CONFIRMED');
    // Two answers of the processor, each after 3 s, stand before theirs.
    const meanwhile = await Promise.all(slow.map((buyer, i) => buyer.get<OrderView>(`/orders/${started[i]!.body.orderId}`)));
    expect(meanwhile.map(({ body }) => body.status)).toEqual(Array(10).fill('PENDING'));

    const ends = await Promise.all(slow.map((buyer, i) => buyer.final(started[i]!.body.orderId)));
    expect(ends.map((order) => order.status)).toEqual(Array(10).fill('CONFIRMED'));
  });
});

it('the ledger balances after all of it', async () => {
  const merchant = await Shopper.signIn(gateway, credentials.merchant);
  const { body } = await merchant.get<{ balanced: boolean; accounts: { debit: number; credit: number }[] }>('/payments/ledger');
  const sum = (side: 'debit' | 'credit') => body.accounts.reduce((total, account) => total + account[side], 0);
  expect(body.balanced).toBe(true);
  expect(sum('debit')).toBeGreaterThan(0);
  expect(sum('debit')).toBe(sum('credit'));
});

/** How each step ended: the history without what was sent and the saga's own beginning and end. */
const outcomesOf = ({ history }: OrderView) =>
  history
    .filter(({ outcome }) => ['succeeded', 'failed', 'timed-out', 'undone'].includes(outcome))
    .map(({ step, outcome }) => `${step}: ${outcome}`);
