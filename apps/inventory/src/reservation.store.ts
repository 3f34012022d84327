import { txState, type Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { Product } from './product.entity.js';
import { Reservation } from './reservation.entity.js';
import type { Line } from './reservation.rules.js';

/** Reservations and the stock they hold, inside the caller's transaction. */
export interface ReservationStore {
  /** One transaction at a time moves stock, until its end. */
  lockStock(tx: Tx): Promise<unknown>;
  /** Writes the order's row; false when it has one already. */
  begin(tx: Tx, orderId: string, state: Reservation['state']): Promise<boolean>;
  /** Ends a reservation that is held; false when it is not. */
  end(tx: Tx, orderId: string, state: Reservation['state']): Promise<boolean>;
  find(tx: Tx, orderId: string): Promise<Reservation | null>;
  /** The products there are of these, locked in the order of their SKUs. */
  stockOf(tx: Tx, skus: readonly string[]): Promise<Product[]>;
  /** Holds the lines, one per SKU, for an order that has a row. */
  hold(tx: Tx, orderId: string, lines: readonly Line[]): Promise<void>;
  /** Ends the order's reservation with nothing held, and says why. */
  refuse(tx: Tx, orderId: string, refusal: Reservation['refusal']): Promise<void>;
  /** What the order held can be had again. */
  giveBack(tx: Tx, orderId: string): Promise<void>;
  /** What the order held leaves the shelf. */
  takeOff(tx: Tx, orderId: string): Promise<void>;
}

const STOCK_LOCK = { key: 'inventory.stock' };

@Injectable()
export class SqlReservationStore implements ReservationStore {
  /**
   * A batch of commands meets SKUs in any order, so two batches with row locks alone would deadlock; taken once for a batch, this
   * costs less than the retries.
   */
  lockStock(tx: Tx): Promise<unknown> {
    return txState(
      tx,
      STOCK_LOCK,
      () => tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [STOCK_LOCK.key]) as Promise<unknown>,
    );
  }

  async begin(tx: Tx, orderId: string, state: Reservation['state']): Promise<boolean> {
    const rows: unknown[] = await tx.query(
      'INSERT INTO reservation (order_id, state) VALUES ($1, $2) ON CONFLICT (order_id) DO NOTHING RETURNING order_id',
      [orderId, state],
    );
    return rows.length > 0;
  }

  async end(tx: Tx, orderId: string, state: Reservation['state']): Promise<boolean> {
    const { affected } = await tx.update(Reservation, { orderId, state: 'HELD' }, { state, since: () => 'now()' });
    return affected === 1;
  }

  find(tx: Tx, orderId: string): Promise<Reservation | null> {
    return tx.findOneBy(Reservation, { orderId });
  }

  stockOf(tx: Tx, skus: readonly string[]): Promise<Product[]> {
    return tx.find(Product, { where: { sku: In(skus) }, order: { sku: 'ASC' }, lock: { mode: 'pessimistic_write' } });
  }

  async hold(tx: Tx, orderId: string, lines: readonly Line[]): Promise<void> {
    await tx.query(
      `WITH line AS (SELECT * FROM unnest($2::text[], $3::int[]) AS line (sku, quantity)),
            held AS (INSERT INTO reservation_item (order_id, sku, quantity) SELECT $1, sku, quantity FROM line)
       UPDATE product SET reserved = reserved + line.quantity FROM line WHERE product.sku = line.sku`,
      [orderId, lines.map((line) => line.sku), lines.map((line) => line.quantity)],
    );
  }

  async refuse(tx: Tx, orderId: string, refusal: Reservation['refusal']): Promise<void> {
    await tx.update(Reservation, { orderId }, { state: 'RELEASED', refusal });
  }

  async giveBack(tx: Tx, orderId: string): Promise<void> {
    await settle(tx, orderId, 'reserved = reserved - line.quantity');
  }

  async takeOff(tx: Tx, orderId: string): Promise<void> {
    await settle(tx, orderId, 'reserved = reserved - line.quantity, on_hand = on_hand - line.quantity');
  }
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
