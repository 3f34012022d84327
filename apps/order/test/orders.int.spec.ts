import { randomUUID } from 'node:crypto';
import { authorisePayment, commitStock, releaseStock, reserveStock } from '@ballast/contracts';
import { eventually } from '@ballast/testing';
import { metricsText } from '@ballast/tracing';
import { v7 } from 'uuid';
import { fails, Shop, type Purchase } from './shop.js';

let shop: Shop;
beforeAll(async () => (shop = await Shop.open()), 60_000);
afterAll(() => shop?.close());

const here = (order: Purchase) => eventually(async () => expect((await order.request()).status).toBe(200), { timeout: 30_000 });
const anId = (name: string) => expect.stringMatching(name) as string;

describe('cart.checked-out', () => {
  it('heard five times makes one order and one saga', async () => {
    const order = await shop.checkOut({ times: 5 });
    await order.goesOn(reserveStock);
    await order.ends('CONFIRMED');
    const { primary } = shop.database;
    expect(await primary.query('SELECT count(*)::int AS n FROM orders WHERE id = $1', [order.id])).toEqual([{ n: 1 }]);
    expect(await primary.query('SELECT count(*)::int AS n FROM saga WHERE id = $1', [order.id])).toEqual([{ n: 1 }]);
    expect(order.commands(reserveStock)).toHaveLength(1);
  });

  it('asks to reserve what is in the cart, and to authorise what it costs', async () => {
    const order = await shop.checkOut();
    const { orderId, accountId, total, paymentToken } = order.event.payload;
    expect((await order.command(reserveStock)).payload).toEqual({ orderId, items: [{ sku: 'lamp', quantity: 2 }] });
    await order.answer(reserveStock);
    expect((await order.command(authorisePayment)).payload).toEqual({ orderId, accountId, amount: total, token: paymentToken });
  });
});

describe('ballast_checkout_duration_seconds', () => {
  it('has each order once, by its outcome, from the moment it was accepted', async () => {
    const value = async (series: string) =>
      Number((await metricsText()).split(`ballast_checkout_duration_seconds_${series} `)[1]?.split('\n')[0]);
    const series = ['count{outcome="CONFIRMED"}', 'sum{outcome="CONFIRMED"}', 'count{outcome="REJECTED"}'] as const;
    const before = await Promise.all(series.map(value));
    const grown = async () => Promise.all(series.map(async (one, i) => (await value(one)) - before[i]!));

    const slow = await shop.checkOut({ times: 3, orderId: v7({ msecs: Date.now() - 20_000 }) });
    await slow.goesOn(reserveStock, 2);
    await slow.ends('CONFIRMED');
    const refused = await shop.checkOut();
    await shop.reply(await refused.command(reserveStock), fails('OUT_OF_STOCK'), 2);
    await refused.ends('REJECTED', 'OUT_OF_STOCK');
    await eventually(async () => expect((await grown())[2]).toBe(1));
    const [confirmed, seconds] = await grown();
    expect(confirmed).toBe(1);
    expect(seconds).toBeGreaterThanOrEqual(20);
  });
});

describe('GET /orders/:id', () => {
  it('shows an order with its history to its owner', async () => {
    const order = await shop.checkOut();
    await order.goesOn(reserveStock);
    await order.ends('CONFIRMED');
    const { status, body } = await order.request();
    const { items, total } = order.event.payload;
    expect(status).toBe(200);
    expect(body).toEqual({
      orderId: order.id,
      status: 'CONFIRMED',
      items,
      total,
      createdAt: anId('Z$'),
      history: expect.any(Array) as unknown,
    });
    expect(await order.history()).toEqual([
      'checkout.v1 started',
      'reserve stock sent',
      'reserve stock succeeded',
      'authorise payment sent',
      'authorise payment succeeded',
      'capture payment sent',
      'capture payment succeeded',
      'commit stock sent',
      'commit stock succeeded',
      'confirm order succeeded',
      'checkout.v1 completed',
    ]);
  });

  it('does not show it to anyone else, as if it were not there', async () => {
    const order = await shop.checkOut();
    await here(order);
    const stranger = await shop.service.token();
    const unknown = await shop.service.request(`/orders/${v7()}`, { token: stranger });
    const foreign = await shop.service.request(`/orders/${order.id}`, { token: stranger });
    for (const answer of [unknown, foreign]) {
      expect(answer).toMatchObject({ status: 404, body: { code: 'ORDER_NOT_FOUND' } });
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    const old = await shop.service.request(`/orders/${v7({ msecs: Date.now() - 600_000 })}`, { token: stranger });
    expect([old.status, old.headers.get('retry-after')]).toEqual([404, null]);
    expect((await shop.service.request(`/orders/${order.id}`)).status).toBe(401);
  });

  it('tells why an order was rejected: the first step, or a later one that is undone', async () => {
    const [outOfStock, declined] = [await shop.checkOut(), await shop.checkOut()];
    await outOfStock.answer(reserveStock, fails('OUT_OF_STOCK'));
    await declined.answer(reserveStock);
    await declined.answer(authorisePayment, fails('PAYMENT_DECLINED'));
    await declined.answer(releaseStock);
    await outOfStock.ends('REJECTED', 'OUT_OF_STOCK');
    await declined.ends('REJECTED', 'PAYMENT_DECLINED');
    expect((await declined.history()).slice(-4)).toEqual([
      'authorise payment failed',
      'reserve stock undo-sent',
      'reserve stock undone',
      'checkout.v1 compensated',
    ]);
  });

  it('shows a saga that is stuck as PENDING, reason STUCK', async () => {
    const order = await shop.checkOut();
    await order.reaches(commitStock);
    // Eight tries, with pauses between them that grow: the test lets their time pass.
    for (let attempt = 1; attempt <= 8; attempt++) {
      await order.command(commitStock, attempt);
      await shop.reply(order.commands(commitStock).at(-1)!, fails('NOT_RESERVED'));
      await eventually(async () => expect((await order.history()).filter((h) => h === 'commit stock failed')).toHaveLength(attempt));
      if (attempt < 8) await eventually(() => passes(order, attempt + 1), { timeout: 40_000, interval: 500 });
    }
    await eventually(async () => expect((await order.request()).body).toMatchObject({ status: 'PENDING', reason: 'STUCK' }));
    expect(order.published()).toEqual([]);
  }, 120_000);
});

async function passes(order: Purchase, attempt: number): Promise<void> {
  if (order.commands(commitStock).length < attempt) await shop.timePasses(2);
  expect(order.commands(commitStock).length).toBeGreaterThanOrEqual(attempt);
}

describe('GET /orders', () => {
  it('lists an account’s own orders, newest first, page by page', async () => {
    const accountId = randomUUID();
    const orders = [];
    for (let i = 0; i < 5; i++) orders.push(await shop.checkOut({ accountId, orderId: v7({ msecs: Date.now() - (5 - i) * 1_000 }) }));
    await Promise.all(orders.map(here));
    const token = await shop.service.token(accountId);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { status, body } = await shop.service.request(`/orders?limit=2${cursor ? `&cursor=${cursor}` : ''}`, { token });
      expect(status).toBe(200);
      const page = body as { items: { orderId: string; history: unknown[] }[]; nextCursor?: string };
      expect(page.items.length).toBeLessThanOrEqual(2);
      for (const item of page.items) expect(item.history).not.toEqual([]);
      seen.push(...page.items.map((item) => item.orderId));
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    expect(seen).toEqual(orders.map((order) => order.id).reverse());
    expect((await shop.service.request('/orders', { token: await shop.service.token() })).body).toMatchObject({ items: [] });
    expect(await shop.service.request('/orders?cursor=nonsense', { token })).toMatchObject({ status: 400 });
  });
});
