import { randomUUID } from 'node:crypto';
import { cartCheckedOut, orderConfirmed, orderRejected, productChanged } from '@ballast/contracts';
import { Database } from '@ballast/database';
import { Neighbours, testService, type TestService } from '@ballast/service/testing';
import { eventually, testBrokers, testDatabase } from '@ballast/testing';
import { metricsText } from '@ballast/tracing';
import manifest from '../service.js';
import { Cart } from '../src/cart.entity.js';
import { CartModule, storage } from '../src/cart.module.js';
import { CartService } from '../src/cart.service.js';

let database: Awaited<ReturnType<typeof testDatabase>>;
let neighbours: Neighbours;
let service: TestService;

const euros = (amount: number) => ({ amount, currency: 'EUR' });
const product = (sku: string, amount: number, version = 1, currency = 'EUR') =>
  productChanged({ sku, name: `The ${sku}`, price: { amount, currency }, version });

beforeAll(async () => {
  [database, neighbours] = await Promise.all([testDatabase('cart'), Neighbours.listenTo(testBrokers(), ['cart.events'])]);
  service = await testService(CartModule, manifest, {
    ...storage,
    database: database.config,
    brokers: testBrokers(),
    transport: neighbours.transport(),
  });
  await neighbours.publish([product('lamp', 2500), product('desk', 19900), product('mug', 900, 1, 'USD')]);
  const probe = await buyer();
  for (const sku of ['lamp', 'desk', 'mug']) await eventually(async () => expect((await probe.remove(sku)).status).toBe(200));
});
afterAll(async () => {
  await service?.close();
  await neighbours?.close();
  await database?.drop();
});

/** Someone new, who may do what a buyer does. */
async function buyer() {
  const accountId = randomUUID();
  const token = await service.token(accountId);
  const request = (method: string, path: string, body?: unknown, headers = {}) =>
    service.request(path, { method, token, headers, ...(body !== undefined && { body }) });
  return {
    accountId,
    show: () => request('GET', '/cart'),
    put: (sku: string, quantity: unknown) => request('PUT', `/cart/items/${sku}`, { quantity }),
    remove: (sku: string) => request('DELETE', `/cart/items/${sku}`),
    checkOut: (key: string = randomUUID(), body: unknown = { paymentToken: 'tok_ok' }) =>
      request('POST', '/cart/checkout', body, { 'idempotency-key': key }),
    request,
  };
}
type Buyer = Awaited<ReturnType<typeof buyer>>;

async function checkedOut(someone: Buyer): Promise<{ orderId: string; cartId: string; accountId: string }> {
  await someone.put('lamp', 2);
  const { cartId } = (await someone.show()).body as { cartId: string };
  const { orderId } = (await someone.checkOut()).body as { orderId: string };
  return { orderId, cartId, accountId: someone.accountId };
}
const ordersOf = ({ accountId }: { accountId: string }) =>
  neighbours.eventsOf(cartCheckedOut).filter((e) => e.payload.accountId === accountId);
const acceptedSoFar = async () => Number(/^ballast_checkouts_accepted_total (\d+)$/m.exec(await metricsText())![1]);
const problem = (status: number, code: string, members: object = {}) => ({
  status,
  body: expect.objectContaining({ code, status, traceId: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown, ...members }) as unknown,
});

describe('a cart', () => {
  it('is there before anything is in it, and looking at it writes nothing', async () => {
    const someone = await buyer();
    const empty = { items: [], subtotal: { amount: 0, currency: null }, version: 0 };
    const first = await someone.show();
    expect(first).toMatchObject({ status: 200, body: empty });
    expect((await someone.show()).body).toEqual(first.body);
    expect((await someone.put('lamp', 1)).body).toMatchObject({ cartId: (first.body as { cartId: string }).cartId, version: 1 });
  });

  it('is the account’s alone, and asks for a token', async () => {
    const [someone, other] = [await buyer(), await buyer()];
    await someone.put('lamp', 1);
    expect((await other.show()).body).toMatchObject({ items: [] });
    expect(await service.request('/cart')).toMatchObject(problem(401, 'UNAUTHENTICATED'));
  });

  it('holds items at the catalogue’s prices', async () => {
    const someone = await buyer();
    await someone.put('lamp', 2);
    const answer = await someone.put('desk', 1);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        items: [
          { sku: 'lamp', name: 'The lamp', quantity: 2, unitPrice: euros(2500) },
          { sku: 'desk', name: 'The desk', quantity: 1, unitPrice: euros(19900) },
        ],
        subtotal: euros(24900),
        version: 2,
      },
    });
    expect((await someone.show()).body).toEqual(answer.body);
  });

  it('is changed by a quantity, emptied by 0 or DELETE, and counts each change once', async () => {
    const someone = await buyer();
    for (const quantity of [1, 999, 999]) await someone.put('lamp', quantity);
    expect((await someone.show()).body).toMatchObject({ items: [{ quantity: 999 }], version: 2 });
    expect(await someone.put('lamp', 0)).toMatchObject({ status: 200, body: { items: [], version: 3 } });
    await someone.put('desk', 1);
    expect(await someone.remove('desk')).toMatchObject({ status: 200, body: { items: [], subtotal: { amount: 0 }, version: 5 } });
    expect(await someone.remove('desk')).toMatchObject({ status: 200, body: { version: 5 } });
  });

  it.each([-1, 1000, 1.5, '1', null])('refuses the quantity %j', async (quantity) => {
    expect(await (await buyer()).put('lamp', quantity)).toMatchObject(problem(400, 'VALIDATION_FAILED'));
  });

  it.each(['no-such', 'a%25b', 'a%20b'])('does not know the SKU %s', async (sku) => {
    const someone = await buyer();
    for (const answer of [await someone.put(sku, 1), await someone.put(sku, 0), await someone.remove(sku)])
      expect(answer).toMatchObject(problem(404, 'CART_UNKNOWN_SKU'));
  });

  it('holds one currency', async () => {
    const someone = await buyer();
    await someone.put('lamp', 1);
    expect(await someone.put('mug', 1)).toMatchObject(problem(409, 'CART_CURRENCY_MISMATCH'));
    await someone.remove('lamp');
    expect(await someone.put('mug', 1)).toMatchObject({ status: 200, body: { subtotal: { amount: 900, currency: 'USD' } } });
  });

  it('of an account is one, however many first requests come at once', async () => {
    const someone = await buyer();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => someone.put(i % 2 ? 'lamp' : 'desk', i + 1)));
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map((answer) => (answer.body as { cartId: string }).cartId)).size).toBe(1);
    const { items, version } = (await someone.show()).body as { items: unknown[]; version: number };
    expect([items.length, version]).toEqual([2, 10]);
  });
});

describe('prices', () => {
  it('follow the catalogue while the cart is open; the newer version wins, and those of the checkout bind', async () => {
    const [someone, sku] = [await buyer(), `sku-${randomUUID()}`];
    const priceShown = (amount: number) =>
      eventually(async () => expect((await someone.show()).body).toMatchObject({ items: [{ unitPrice: euros(amount) }] }));
    await neighbours.publish([product(sku, 100)]);
    await eventually(async () => expect((await someone.put(sku, 3)).status).toBe(200));
    await neighbours.publish([product(sku, 300, 3), product(sku, 200, 2)], 5);
    await priceShown(300);

    await someone.checkOut();
    const bystander = await buyer();
    await bystander.put(sku, 1);
    await neighbours.publish([product(sku, 400, 4)]);
    await eventually(async () => expect((await bystander.show()).body).toMatchObject({ subtotal: euros(400) }));
    await priceShown(300);
    await eventually(() => expect(ordersOf(someone).map((e) => e.payload.total)).toEqual([euros(900)]));
  });
});

describe('POST /cart/checkout', () => {
  it('hands the cart over as an order: once per key, with the same answer', async () => {
    const someone = await buyer();
    await someone.put('lamp', 2);
    const key = randomUUID();
    const before = await acceptedSoFar();
    const first = await someone.checkOut(key);
    const { orderId } = first.body as { orderId: string };
    expect(first.status).toBe(202);
    expect(orderId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(first.headers.get('location')).toBe(`/orders/${orderId}`);
    expect(first.headers.get('traceparent')).toMatch(/^00-/);

    const second = await someone.checkOut(key);
    expect(second).toMatchObject({ status: 202, body: { orderId } });
    expect(second.headers.get('location')).toBe(`/orders/${orderId}`);
    expect(await someone.checkOut(key, { paymentToken: 'tok_slow' })).toMatchObject(problem(422, 'IDEMPOTENCY_KEY_REUSED'));
    expect((await acceptedSoFar()) - before).toBe(1);

    const { cartId } = (await someone.show()).body as { cartId: string };
    const items = [{ sku: 'lamp', name: 'The lamp', quantity: 2, unitPrice: euros(2500) }];
    await eventually(() => expect(ordersOf(someone)).toHaveLength(1));
    expect(ordersOf(someone)[0]).toMatchObject({
      key: cartId,
      payload: { orderId, cartId, accountId: someone.accountId, items, total: euros(5000), paymentToken: 'tok_ok' },
    });
  });

  it('at the same moment, with one key or with many, makes one order', async () => {
    const someone = await buyer();
    await someone.put('lamp', 1);
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => someone.checkOut(i % 2 ? key : randomUUID())));
    const accepted = answers.filter((answer) => answer.status === 202);
    expect(new Set(accepted.map((answer) => (answer.body as { orderId: string }).orderId)).size).toBe(1);
    const codes = answers.filter((answer) => answer.status !== 202).map((answer) => (answer.body as { code: string }).code);
    expect(codes.filter((code) => code !== 'CART_CHECKING_OUT' && code !== 'IDEMPOTENCY_KEY_IN_USE')).toEqual([]);
    await eventually(() => expect(ordersOf(someone)).toHaveLength(1));
  });

  it('leaves no order when it is refused, and its key free', async () => {
    const [someone, key] = [await buyer(), randomUUID()];
    expect(await someone.checkOut(key)).toMatchObject(problem(409, 'CART_EMPTY'));
    await someone.put('lamp', 1);
    expect(await someone.checkOut(key, { paymentToken: 'a b' })).toMatchObject(problem(400, 'VALIDATION_FAILED'));
    expect(await someone.request('POST', '/cart/checkout', { paymentToken: 'tok_ok' })).toMatchObject(
      problem(400, 'IDEMPOTENCY_KEY_REQUIRED'),
    );
    expect(await someone.checkOut(key)).toMatchObject({ status: 202 });
    await eventually(() => expect(ordersOf(someone)).toHaveLength(1));
  });

  it('freezes the cart', async () => {
    const someone = await buyer();
    const { orderId } = await checkedOut(someone);
    const before = (await someone.show()).body as object;
    expect(before).toMatchObject({ items: [{ sku: 'lamp', quantity: 2 }], version: 2 });
    const refusals = [await someone.put('lamp', 1), await someone.put('desk', 0), await someone.remove('lamp'), await someone.checkOut()];
    for (const answer of refusals) expect(answer).toMatchObject(problem(409, 'CART_CHECKING_OUT', { orderId }));
    expect((await someone.show()).body).toEqual(before);
  });
});

describe('an order’s end', () => {
  it('confirmed closes the cart: the next look shows a new one', async () => {
    const someone = await buyer();
    const order = await checkedOut(someone);
    await neighbours.publish([orderConfirmed(order)], 5);
    await eventually(async () => expect((await someone.show()).body).toMatchObject({ items: [], version: 0 }));
    const { cartId } = (await someone.show()).body as { cartId: string };
    expect(cartId).not.toBe(order.cartId);
    expect((await someone.put('desk', 1)).body).toMatchObject({ cartId, items: [{ sku: 'desk' }], version: 1 });
  });

  it('rejected opens the cart again, with its items', async () => {
    const someone = await buyer();
    const order = await checkedOut(someone);
    await neighbours.publish([orderRejected({ ...order, reason: 'PAYMENT_DECLINED' })], 5);
    await eventually(async () => expect((await someone.put('lamp', 3)).status).toBe(200));
    expect((await someone.show()).body).toMatchObject({ cartId: order.cartId, items: [{ sku: 'lamp', quantity: 3 }], version: 4 });
  });

  it('that comes late, again, or for another cart changes nothing', async () => {
    const [db, carts] = [service.app.get(Database, { strict: false }), service.app.get(CartService)];
    const close = (order: { cartId: string; orderId: string }) => db.transaction((tx) => carts.close(tx, order));
    const reopen = (order: { cartId: string; orderId: string }) => db.transaction((tx) => carts.reopen(tx, order));
    const [someone, other] = [await buyer(), await checkedOut(await buyer())];
    const first = await checkedOut(someone);
    const { cartId } = first;
    await reopen(first);
    const { orderId } = (await someone.checkOut()).body as { orderId: string };
    for (const stale of [first, { cartId, orderId: other.orderId }, { cartId: other.cartId, orderId }]) {
      await close(stale);
      await reopen(stale);
    }
    expect(await someone.put('lamp', 1)).toMatchObject(problem(409, 'CART_CHECKING_OUT', { orderId }));
    await close({ cartId, orderId });
    await close({ cartId, orderId });
    await reopen({ cartId, orderId });
    expect(await db.primary.findOneBy(Cart, { id: cartId })).toMatchObject({ status: 'CLOSED', orderId, version: 5 });
  });
});
