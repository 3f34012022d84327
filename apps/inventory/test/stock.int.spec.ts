import { MemoryBroker, memoryTransport } from '@ballast/messaging';
import { Database } from '@ballast/database';
import { testService, type TestService } from '@ballast/service/testing';
import { testDatabase } from '@ballast/testing';
import { v7 as uuidv7 } from 'uuid';
import manifest from '../service.js';
import { InventoryModule, storage } from '../src/inventory.module.js';
import { ReservationService } from '../src/reservation.service.js';
import { SqlReservationStore } from '../src/reservation.store.js';

let database: Awaited<ReturnType<typeof testDatabase>>;
let service: TestService;
let db: Database;
let operator: string;
let merchant: string;
const reservations = new ReservationService(new SqlReservationStore());

beforeAll(async () => {
  database = await testDatabase('inventory');
  const transport = memoryTransport({ broker: new MemoryBroker({ groups: [] }) });
  service = await testService(InventoryModule, manifest, { ...storage, database: database.config, transport });
  db = service.app.get(Database, { strict: false });
  operator = await service.token(undefined, ['operator']);
  merchant = await service.token(undefined, ['merchant']);
});
afterAll(async () => {
  await service?.close();
  await database?.drop();
});

let count = 0;
async function product(stock = 10): Promise<string> {
  const sku = `book-${(count += 1)}`;
  await put(sku, stock);
  return sku;
}
const put = (sku: string, stock: number) =>
  service.request(`/products/${sku}`, {
    method: 'PUT',
    token: merchant,
    body: { name: sku, price: { amount: 100, currency: 'EUR' }, stock },
  });
const held = async (sku: string, quantity: number) => {
  const orderId = uuidv7();
  await db.transaction((tx) => reservations.reserve(tx, orderId, [{ sku, quantity }]));
  return orderId;
};
const committed = async (sku: string, quantity: number) => {
  const orderId = await held(sku, quantity);
  await db.transaction((tx) => reservations.commit(tx, orderId));
  return orderId;
};
const ask = async (path: string, token = operator) => (await service.request(`/ops/v1/${path}`, { token })).body;
const book = async (sku: string) => (await ask('books/products')).items.find((row: { sku: string }) => row.sku === sku);
const repair = async (path: string, body: object = {}) =>
  (await service.request(`/ops/v1/repairs/${path}`, { method: 'POST', token: operator, body })).body;
const together = (path: string) => Promise.all([repair(path), repair(path), repair(path)]);
const done = (answers: { done: boolean }[]) => answers.filter((answer) => answer.done).length;

describe('the book of a product', () => {
  it('explains what is on hand: what came in, less what orders took', async () => {
    const sku = await product(10);
    await put(sku, 25);
    await committed(sku, 3);
    await held(sku, 2);
    await put(sku, 20);
    expect(await book(sku)).toEqual({ sku, onHand: 20, reserved: 2, received: 23, committed: 3, held: 2 });
  });

  it('of a product that the version before has made is complete', async () => {
    await db.primary.query(
      `INSERT INTO product (sku, name, price_amount, price_currency, on_hand) VALUES ('old', 'Old', 1, 'EUR', 7) ON CONFLICT (sku) DO NOTHING`,
    );
    expect(await book('old')).toMatchObject({ onHand: 7, received: 7 });
  });
});

describe('the book of reservations', () => {
  it('has an order’s lines, by its id or in the order of ids', async () => {
    const sku = await product();
    const [first, second] = [await held(sku, 1), await committed(sku, 2)];
    expect((await ask(`books/reservations?orderIds=${second}`)).items).toEqual([
      { orderId: second, state: 'COMMITTED', refusal: null, since: expect.any(String), items: [{ sku, quantity: 2 }] },
    ]);
    expect((await ask(`books/reservations?after=${first}`)).items.map((row: { orderId: string }) => row.orderId)).toEqual([second]);
    expect((await ask(`books/reservations/touched?since=${new Date(0).toISOString()}&after=${first}`)).orderIds).toEqual([second]);
  });

  it('is for operators', async () => {
    expect((await service.request('/ops/v1/books/reservations', { token: merchant })).status).toBe(403);
  });
});

describe('a repair', () => {
  it('releases what is held, or commits it, once', async () => {
    const sku = await product(10);
    const [released, taken] = [await held(sku, 2), await held(sku, 3)];
    await together(`reservations/${released}/releases`);
    await together(`reservations/${taken}/commits`);
    expect(await book(sku)).toMatchObject({ onHand: 7, reserved: 0, committed: 3, held: 0 });
  });

  it('puts back on the shelf what was taken, once', async () => {
    const sku = await product(10);
    const taken = await committed(sku, 4);
    expect(done(await together(`reservations/${taken}/returns`))).toBe(1);
    expect(await book(sku)).toMatchObject({ onHand: 10, received: 10, committed: 0 });
  });

  it('that comes too late changes nothing, and says so', async () => {
    const sku = await product(10);
    const taken = await committed(sku, 4);
    expect(await repair(`reservations/${taken}/releases`)).toEqual({ done: false, because: 'RESERVATION_COMMITTED' });
    expect(await repair(`reservations/${await held(sku, 1)}/returns`)).toMatchObject({ done: false });
    expect(await book(sku)).toMatchObject({ onHand: 6, reserved: 1 });
  });

  it('counts again what is held', async () => {
    const sku = await product(10);
    await held(sku, 2);
    await db.primary.query('UPDATE product SET reserved = 5 WHERE sku = $1', [sku]);
    expect(done(await together(`products/${sku}/recounts`))).toBe(1);
    expect(await book(sku)).toMatchObject({ reserved: 2, held: 2 });
  });

  it('by a count of the shelf explains a difference, and is in the audit', async () => {
    const sku = await product(10);
    await db.primary.query('UPDATE product SET on_hand = 8 WHERE sku = $1', [sku]);
    expect(await repair(`products/${sku}/counts`, { quantity: -2, reason: 'two were broken' })).toEqual({ done: true });
    expect(await book(sku)).toMatchObject({ onHand: 8, received: 8 });
    expect((await ask('audit?what=repairs.count')).items[0]).toMatchObject({ outcome: 'DONE', detail: { sku, quantity: -2 } });
  });
});
