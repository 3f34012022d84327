import { commitStock, productChanged, releaseStock, reserveStock } from '@ballast/contracts';
import type { AnyCommand } from '@ballast/message';
import { Neighbours, testService, type TestService } from '@ballast/service/testing';
import { eventually, testBrokers, testDatabase } from '@ballast/testing';
import { v7 as uuidv7 } from 'uuid';
import manifest from '../service.js';
import { InventoryModule, storage } from '../src/inventory.module.js';

let database: Awaited<ReturnType<typeof testDatabase>>;
let neighbours: Neighbours;
let service: TestService;
let merchant: string;
let buyer: string;

beforeAll(async () => {
  [database, neighbours] = await Promise.all([
    testDatabase('inventory'),
    Neighbours.listenTo(testBrokers(), ['inventory.events', 'order.replies']),
  ]);
  service = await testService(InventoryModule, manifest, {
    ...storage,
    database: database.config,
    brokers: testBrokers(),
    transport: neighbours.transport(),
  });
  merchant = await service.token(undefined, ['merchant']);
  buyer = await service.token();
});
afterAll(async () => {
  await service?.close();
  await neighbours?.close();
  await database?.drop();
});

let count = 0;
const newSku = () => `sku-${(count += 1).toString().padStart(4, '0')}`;
const euros = (amount: number) => ({ amount, currency: 'EUR' });
const lamp = { name: 'Lamp', price: euros(2500), stock: 10 };
const put = (sku: string, body: unknown = lamp, token: string | undefined = merchant) =>
  service.request(`/products/${sku}`, { method: 'PUT', body, ...(token && { token }) });
/** Reads come from a replica, which follows. */
const shows = (sku: string, expected: object) =>
  eventually(async () => expect((await service.request(`/products/${sku}`)).body).toMatchObject(expected));
const told = (sku: string) => neighbours.eventsOf(productChanged).filter((event) => event.key === sku);

describe('PUT /products/:sku', () => {
  it('creates a product, and everyone hears of it', async () => {
    const sku = newSku();
    expect(await put(sku)).toMatchObject({ status: 200, body: { sku, name: 'Lamp', price: euros(2500), available: 10 } });
    await eventually(() => expect(told(sku).map((e) => e.payload)).toEqual([{ sku, name: 'Lamp', price: euros(2500), version: 1 }]));
    await shows(sku, { available: 10 });
  });

  it('tells of a new name or price, in order, and not of new stock', async () => {
    const sku = newSku();
    await put(sku);
    await put(sku, { ...lamp, stock: 7 });
    await put(sku, { ...lamp, name: 'Lantern' });
    await put(sku, { ...lamp, name: 'Lantern' });
    expect(await put(sku, { ...lamp, price: euros(2600), stock: 7 })).toMatchObject({ status: 200, body: { available: 7 } });
    await eventually(() => expect(told(sku)).toHaveLength(3));
    expect(told(sku).map(({ payload: { name, price, version } }) => [name, price.amount, version])).toEqual([
      ['Lamp', 2500, 1],
      ['Lantern', 2500, 2],
      ['Lamp', 2600, 3],
    ]);
  });

  it('with two first requests at once makes one product of version 1 and one change of it', async () => {
    const sku = newSku();
    const answers = await Promise.all([put(sku, lamp), put(sku, { ...lamp, name: 'Lantern' })]);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    await eventually(() => expect(told(sku).map((e) => e.payload.version)).toEqual([1, 2]));
  });

  it('is for merchants', async () => {
    expect(await put(newSku(), lamp, buyer)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await service.request(`/products/${newSku()}`, { method: 'PUT', body: lamp })).toMatchObject({ status: 401 });
  });

  it.each([
    ['a SKU of another form', 'a%20b', lamp],
    ['a missing price', 'fine', { name: 'Lamp', stock: 1 }],
    ['an unknown currency', 'fine', { ...lamp, price: { amount: 1, currency: 'EUX' } }],
    ['a negative stock', 'fine', { ...lamp, stock: -1 }],
  ])('refuses %s', async (_, sku, body) => {
    const answer = await put(sku, body);
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION_FAILED', traceId: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
    });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });
});

describe('GET /products', () => {
  it('pages through all products in the order of their SKUs, without a token', async () => {
    const skus = [`page-a`, `page-b`, `page-c`];
    for (const sku of skus) await put(sku);
    const seen: string[] = [];
    await eventually(async () => {
      seen.length = 0;
      for (let cursor: string | null = ''; cursor !== null;) {
        const { status, body } = await service.request(`/products?limit=2${cursor && `&cursor=${cursor}`}`);
        expect(status).toBe(200);
        seen.push(...(body as { items: { sku: string }[] }).items.map((item) => item.sku));
        cursor = (body as { nextCursor: string | null }).nextCursor;
      }
      expect(seen).toEqual(expect.arrayContaining(skus));
    });
    expect(seen).toEqual([...new Set(seen)].sort());
  });

  it.each(['limit=0', 'limit=201', 'limit=many', 'cursor=%25', 'limit=1&limit=2'])('refuses ?%s', async (query) => {
    expect(await service.request(`/products?${query}`)).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  });

  it.each(['none', 'a%25b', 'x'.repeat(70)])('has no product %s', async (sku) => {
    expect(await service.request(`/products/${sku}`)).toMatchObject({ status: 404, body: { code: 'PRODUCT_NOT_FOUND' } });
  });
});

describe('an order’s commands', () => {
  const answered = (definition: AnyCommand, orderId: string, options?: { timeout: number }) =>
    eventually(() => {
      const replies = neighbours.repliesTo(definition, orderId);
      expect(replies).not.toHaveLength(0);
      return replies.at(-1)!;
    }, options);
  const succeeded = { outcome: 'succeeded', result: {} };
  const items = (sku: string, quantity: number) => [{ sku, quantity }];

  it('hold stock, which then cannot be taken off the shelf by a merchant', async () => {
    const [sku, orderId] = [newSku(), uuidv7()];
    await put(sku);
    await neighbours.command(orderId, 'order.replies', [reserveStock({ orderId, items: items(sku, 4) })], 5);
    expect(await answered(reserveStock, orderId)).toEqual(succeeded);
    await shows(sku, { available: 6 });
    expect(await put(sku, { ...lamp, stock: 3 })).toMatchObject({ status: 409, body: { code: 'PRODUCT_STOCK_BELOW_RESERVED' } });
    expect(await put(sku, { ...lamp, stock: 4 })).toMatchObject({ status: 200, body: { available: 0 } });

    await neighbours.command(orderId, 'order.replies', [commitStock({ orderId })], 5);
    expect(await answered(commitStock, orderId)).toEqual(succeeded);
    expect(await put(sku, { ...lamp, stock: 0 })).toMatchObject({ status: 200, body: { available: 0 } });
    await neighbours.command(orderId, 'order.replies', [releaseStock({ orderId })]);
    expect(await answered(releaseStock, orderId)).toMatchObject({ outcome: 'failed', code: 'RESERVATION_COMMITTED' });
  });

  it('are refused with the contract’s codes', async () => {
    const [sku, short, unknown, late] = [newSku(), uuidv7(), uuidv7(), uuidv7()];
    await put(sku);
    await neighbours.command(short, 'order.replies', [reserveStock({ orderId: short, items: items(sku, 11) })]);
    await neighbours.command(unknown, 'order.replies', [reserveStock({ orderId: unknown, items: items('no-such', 1) })]);
    await neighbours.command(late, 'order.replies', [
      releaseStock({ orderId: late }),
      reserveStock({ orderId: late, items: items(sku, 1) }),
      commitStock({ orderId: late }),
    ]);
    expect(await answered(reserveStock, short)).toMatchObject({ outcome: 'failed', code: 'OUT_OF_STOCK' });
    expect(await answered(reserveStock, unknown)).toMatchObject({ outcome: 'failed', code: 'UNKNOWN_SKU' });
    expect(await answered(releaseStock, late)).toEqual(succeeded);
    expect(await answered(reserveStock, late)).toMatchObject({ outcome: 'failed', code: 'RESERVATION_RELEASED' });
    expect(await answered(commitStock, late)).toMatchObject({ outcome: 'failed', code: 'NOT_RESERVED' });
    await shows(sku, { available: 10 });
  });

  it('of 200 orders for the last 50 pieces let 50 through', async () => {
    const sku = newSku();
    await put(sku, { ...lamp, stock: 50 });
    const orders = Array.from({ length: 200 }, () => uuidv7());
    const commands = orders.map((orderId) => ({ sagaId: orderId, draft: reserveStock({ orderId, items: items(sku, 1) }) }));
    await neighbours.commands('order.replies', commands);
    const replies = await Promise.all(orders.map((orderId) => answered(reserveStock, orderId, { timeout: 45_000 })));
    expect(replies.filter((reply) => reply.outcome === 'succeeded')).toHaveLength(50);
    expect(replies.filter((reply) => reply.outcome === 'failed' && reply.code === 'OUT_OF_STOCK')).toHaveLength(150);
    await shows(sku, { available: 0 });
  });
});

it('shows in its metrics how many reservations nobody ends', async () => {
  await eventually(async () => expect((await service.request('/metrics')).body).toMatch(/^ballast_reservations_orphaned 0$/m));
});
