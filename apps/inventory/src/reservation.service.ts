import { txState, type Tx } from '@ballast/database';
import { refuse } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { Product } from './product.entity.js';
import { Reservation } from './reservation.entity.js';
import { mergeLines, shortageOf, type Line } from './reservation.rules.js';

const STOCK_LOCK = { key: 'inventory.stock' };

/** Stock held for orders: all of an order's items or none. Each method may be repeated; the order's row says what was done. */
@Injectable()
export class ReservationService {
  /** Refuses with `OUT_OF_STOCK` or `UNKNOWN_SKU`, or with `RESERVATION_RELEASED` when the release came first. */
  async reserve(tx: Tx, orderId: string, items: readonly Line[]) {
    await lockStock(tx);
    if (!(await begin(tx, orderId, 'HELD'))) return this.repeated(tx, orderId);
    const lines = mergeLines(items);
    const skus = lines.map((line) => line.sku);
    const stock = await tx.find(Product, { where: { sku: In(skus) }, order: { sku: 'ASC' }, lock: { mode: 'pessimistic_write' } });
    const shortage = shortageOf(lines, stock);
    if (shortage) {
      await tx.update(Reservation, { orderId }, { state: 'RELEASED', refusal: shortage.code });
      return refuse(shortage.code, `Nothing was held because of ${shortage.sku}`);
    }
    await tx.query(
      `WITH line AS (SELECT * FROM unnest($2::text[], $3::int[]) AS line (sku, quantity)),
            held AS (INSERT INTO reservation_item (order_id, sku, quantity) SELECT $1, sku, quantity FROM line)
       UPDATE product SET reserved = reserved + line.quantity FROM line WHERE product.sku = line.sku`,
      [orderId, skus, lines.map((line) => line.quantity)],
    );
    return {};
  }

  /** Gives held stock back; leaves a tombstone when nothing was held yet. Refuses with `RESERVATION_COMMITTED` after the commit. */
  async release(tx: Tx, orderId: string) {
    await lockStock(tx);
    if (await begin(tx, orderId, 'RELEASED')) return {};
    if (await end(tx, orderId, 'RELEASED')) await settle(tx, orderId, 'reserved = reserved - line.quantity');
    else if ((await find(tx, orderId)).state === 'COMMITTED') return refuse('RESERVATION_COMMITTED', 'The stock has left the shelf');
    return {};
  }

  /** Takes held stock off the shelf for good. Refuses with `NOT_RESERVED` when nothing is held. */
  async commit(tx: Tx, orderId: string) {
    await lockStock(tx);
    if (await end(tx, orderId, 'COMMITTED'))
      await settle(tx, orderId, 'reserved = reserved - line.quantity, on_hand = on_hand - line.quantity');
    else if ((await tx.findOneBy(Reservation, { orderId }))?.state !== 'COMMITTED') return refuse('NOT_RESERVED', 'Nothing is held');
    return {};
  }

  private async repeated(tx: Tx, orderId: string) {
    const { state, refusal } = await find(tx, orderId);
    return state === 'RELEASED' ? refuse(refusal ?? 'RESERVATION_RELEASED', 'The order no longer holds stock') : {};
  }
}

/**
 * One transaction at a time moves stock. A batch of commands meets SKUs in any order, so two batches with row locks alone
 * would deadlock; taken once for a batch, this costs less than the retries.
 */
export const lockStock = (tx: Tx): Promise<unknown> =>
  txState(tx, STOCK_LOCK, () => tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [STOCK_LOCK.key]) as Promise<unknown>);

/** Writes the order's row; false when it has one already. */
async function begin(tx: Tx, orderId: string, state: Reservation['state']): Promise<boolean> {
  const rows: unknown[] = await tx.query(
    'INSERT INTO reservation (order_id, state) VALUES ($1, $2) ON CONFLICT (order_id) DO NOTHING RETURNING order_id',
    [orderId, state],
  );
  return rows.length > 0;
}

/** Ends a reservation that is held; false when it is not. */
async function end(tx: Tx, orderId: string, state: Reservation['state']): Promise<boolean> {
  const { affected } = await tx.update(Reservation, { orderId, state: 'HELD' }, { state, since: () => 'now()' });
  return affected === 1;
}

/** Books the order's lines on their products, which it locks in the order of their SKUs. */
const settle = (tx: Tx, orderId: string, change: string): Promise<unknown> =>
  tx.query(
    `WITH line AS (
       SELECT product.sku, item.quantity FROM reservation_item item JOIN product USING (sku)
       WHERE item.order_id = $1 ORDER BY product.sku FOR UPDATE OF product)
     UPDATE product SET ${change} FROM line WHERE product.sku = line.sku`,
    [orderId],
  );

const find = (tx: Tx, orderId: string): Promise<Reservation> => tx.findOneByOrFail(Reservation, { orderId });
