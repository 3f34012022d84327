import { Database } from '@ballast/database';
import { refuse } from '@ballast/messaging';
import { testDatabase } from '@ballast/testing';
import { v7 as uuidv7 } from 'uuid';
import { storage } from '../src/inventory.module.js';
import { Product } from '../src/product.entity.js';
import { Reservation } from '../src/reservation.entity.js';
import { ReservationMetrics } from '../src/reservation.metrics.js';
import type { Line } from '../src/reservation.rules.js';
import { ReservationService } from '../src/reservation.service.js';
import { SqlReservationStore } from '../src/reservation.store.js';

const CONNECTIONS = 8;
const reservations = new ReservationService(new SqlReservationStore());
let database: Awaited<ReturnType<typeof testDatabase>>;
let db: Database;

beforeAll(async () => {
  database = await testDatabase('inventory');
  const patient = { lockTimeout: '40s', statementTimeout: '40s' } as const;
  db = await Database.open({ config: { ...database.config, ...patient, poolSize: CONNECTIONS }, ...storage });
  await db.ready;
});
afterAll(async () => {
  await db?.close();
  await database?.drop();
});
beforeEach(() => db.primary.query('DELETE FROM reservation_item; DELETE FROM reservation; DELETE FROM product'));

const stocked = async (...products: [sku: string, onHand: number][]) => {
  for (const [sku, onHand] of products)
    await db.primary.insert(Product, { sku, name: sku, price: { amount: 100, currency: 'EUR' }, onHand, reserved: 0, version: 1 });
};
const stock = async (sku: string) => {
  const { onHand, reserved } = await db.primary.findOneByOrFail(Product, { sku });
  return { onHand, reserved };
};
const once = { attempts: 1 };
const reserve = (orderId: string, ...items: Line[]) => db.transaction((tx) => reservations.reserve(tx, orderId, items), once);
const release = (orderId: string) => db.transaction((tx) => reservations.release(tx, orderId), once);
const commit = (orderId: string) => db.transaction((tx) => reservations.commit(tx, orderId), once);
const refused = (code: string) => expect.objectContaining({ ...refuse(code), message: expect.any(String) as string }) as unknown;
/** Runs `work` so many times, on every connection there is: what waits for one longer would only time out on a slow machine. */
async function atOnce<T>(times: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < times; i = next++) results[i] = await work(i);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  return results;
}
const lamps = (quantity: number): Line => ({ sku: 'lamp', quantity });
const desks = (quantity: number): Line => ({ sku: 'desk', quantity });

describe('a reservation', () => {
  it('holds stock, which its commit takes off the shelf', async () => {
    await stocked(['lamp', 10], ['desk', 5]);
    const order = uuidv7();
    expect(await reserve(order, lamps(2), desks(1), lamps(1))).toEqual({});
    expect(await stock('lamp')).toEqual({ onHand: 10, reserved: 3 });
    expect(await commit(order)).toEqual({});
    expect(await stock('lamp')).toEqual({ onHand: 7, reserved: 0 });
    expect(await stock('desk')).toEqual({ onHand: 4, reserved: 0 });
  });

  it('holds all items or none', async () => {
    await stocked(['lamp', 10], ['desk', 5]);
    expect(await reserve(uuidv7(), lamps(1), desks(6))).toEqual(refused('OUT_OF_STOCK'));
    expect(await reserve(uuidv7(), lamps(1), { sku: 'gone', quantity: 1 })).toEqual(refused('UNKNOWN_SKU'));
    expect(await stock('lamp')).toEqual({ onHand: 10, reserved: 0 });
  });

  it('that is asked for again changes nothing, whatever became of it', async () => {
    await stocked(['lamp', 10]);
    const [held, sold, short] = [uuidv7(), uuidv7(), uuidv7()];
    for (let i = 0; i < 5; i += 1) expect(await reserve(held, lamps(2))).toEqual({});
    await reserve(sold, lamps(1));
    for (let i = 0; i < 5; i += 1) expect(await commit(sold)).toEqual({});
    expect(await reserve(sold, lamps(1))).toEqual({});
    expect(await reserve(short, lamps(100))).toEqual(refused('OUT_OF_STOCK'));
    await db.primary.update(Product, { sku: 'lamp' }, { onHand: 200 });
    expect(await reserve(short, lamps(100))).toEqual(refused('OUT_OF_STOCK'));
    expect(await stock('lamp')).toEqual({ onHand: 200, reserved: 2 });
  });

  it('is given back once', async () => {
    await stocked(['lamp', 10]);
    const [order, other] = [uuidv7(), uuidv7()];
    await reserve(order, lamps(2));
    await reserve(other, lamps(3));
    for (let i = 0; i < 5; i += 1) expect(await release(order)).toEqual({});
    expect(await stock('lamp')).toEqual({ onHand: 10, reserved: 3 });
    expect(await reserve(order, lamps(2))).toEqual(refused('RESERVATION_RELEASED'));
    expect(await commit(order)).toEqual(refused('NOT_RESERVED'));
  });

  it('that its release overtook is refused when it comes', async () => {
    await stocked(['lamp', 10]);
    const order = uuidv7();
    expect(await release(order)).toEqual({});
    expect(await reserve(order, lamps(2))).toEqual(refused('RESERVATION_RELEASED'));
    expect(await stock('lamp')).toEqual({ onHand: 10, reserved: 0 });
  });

  it('cannot be released after its commit, nor committed when there is none', async () => {
    await stocked(['lamp', 10]);
    const order = uuidv7();
    await reserve(order, lamps(2));
    await commit(order);
    expect(await release(order)).toEqual(refused('RESERVATION_COMMITTED'));
    expect(await commit(uuidv7())).toEqual(refused('NOT_RESERVED'));
    expect(await stock('lamp')).toEqual({ onHand: 8, reserved: 0 });
  });
});

describe('under load', () => {
  it('200 orders for the last 50 pieces: 50 get one', async () => {
    await stocked(['lamp', 50]);
    const answers = await atOnce(200, () => reserve(uuidv7(), lamps(1)));
    expect(answers.filter((answer) => !('code' in answer))).toHaveLength(50);
    expect(answers.filter((answer) => 'code' in answer && answer.code === 'OUT_OF_STOCK')).toHaveLength(150);
    expect(await stock('lamp')).toEqual({ onHand: 50, reserved: 50 });
  });

  it('batches of orders that name the same products in every order never deadlock', async () => {
    await stocked(['lamp', 100_000], ['desk', 100_000], ['mug', 100_000]);
    const mug = { sku: 'mug', quantity: 1 };
    const baskets = [[lamps(1)], [desks(1)], [mug], [mug, lamps(1)], [desks(1), mug], [lamps(1), desks(1)]];
    const batch = (first: number) =>
      db.transaction(async (tx) => {
        for (let i = 0; i < 12; i += 1) {
          const order = uuidv7();
          await reservations.reserve(tx, order, baskets[(first + i * (first % 2 ? 1 : 5)) % baskets.length]!);
          if (i % 3 === 0) await reservations.release(tx, order);
          if (i % 3 === 1) await reservations.commit(tx, order);
        }
      }, once);
    await atOnce(16, batch);
    const [sum] = await db.primary.query<[{ held: number }]>(
      `SELECT sum(quantity)::int AS held FROM reservation_item JOIN reservation USING (order_id) WHERE state = 'HELD'`,
    );
    const reserved = [await stock('lamp'), await stock('desk'), await stock('mug')].map((product) => product.reserved);
    expect(reserved.reduce((a, b) => a + b)).toBe(sum.held);
  });

  it('one order’s release and reservation at the same moment leave nothing held', async () => {
    await stocked(['lamp', 10]);
    const orders = Array.from({ length: 20 }, () => uuidv7());
    await atOnce(40, (i) => (i % 2 ? release(orders[i >> 1]!) : reserve(orders[i >> 1]!, lamps(1))));
    expect(await stock('lamp')).toEqual({ onHand: 10, reserved: 0 });
  });
});

it('the database itself refuses to oversell', async () => {
  await stocked(['lamp', 1]);
  await expect(db.primary.update(Product, { sku: 'lamp' }, { reserved: 2 })).rejects.toThrow('product_never_oversold');
  await expect(db.primary.update(Product, { sku: 'lamp' }, { reserved: -1 })).rejects.toThrow('product_never_oversold');
});

it('reservations that nobody ends are counted after 15 minutes', async () => {
  await stocked(['lamp', 10]);
  const [fresh, old, sold] = [uuidv7(), uuidv7(), uuidv7()];
  for (const order of [fresh, old, sold]) await reserve(order, lamps(1));
  await commit(sold);
  for (const orderId of [old, sold]) await db.primary.update(Reservation, { orderId }, { since: () => `now() - interval '16 minutes'` });
  expect(await new ReservationMetrics(db).orphaned()).toBe(1);
});
