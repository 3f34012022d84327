import type { Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { SqlReservationStore } from './reservation.store.js';

/** Puts stock right when a job or a person has found it wrong. Each looks again under the stock's lock, and may be repeated. */
@Injectable()
export class StockRepairs {
  constructor(private readonly stock: SqlReservationStore) {}

  /** Puts what an order took back on the shelf. False when nothing of it was taken, or is back already. */
  async giveBack(tx: Tx, orderId: string): Promise<boolean> {
    await this.stock.lockStock(tx);
    const [, taken] = await tx.query<[unknown, number]>(
      `UPDATE reservation SET state = 'RELEASED', since = now() WHERE order_id = $1 AND state = 'COMMITTED'`,
      [orderId],
    );
    if (!taken) return false;
    await tx.query(
      `UPDATE product SET on_hand = on_hand + item.quantity FROM reservation_item item WHERE item.order_id = $1 AND product.sku = item.sku`,
      [orderId],
    );
    return true;
  }

  /** Sets what a product counts as reserved to what is held of it. False when it was right, or there is no such product. */
  async recount(tx: Tx, sku: string): Promise<boolean> {
    await this.stock.lockStock(tx);
    const [, changed] = await tx.query<[unknown, number]>(
      `UPDATE product SET reserved = held.quantity FROM (
         SELECT coalesce(sum(quantity), 0)::int AS quantity FROM reservation_item JOIN reservation USING (order_id)
         WHERE state = 'HELD' AND reservation_item.sku = $1) AS held
       WHERE product.sku = $1 AND reserved <> held.quantity`,
      [sku],
    );
    return changed > 0;
  }

  /** Writes down what a count of the shelf has explained: pieces found, or missing. `on_hand` stays. False when there is no such product. */
  async count(tx: Tx, sku: string, quantity: number): Promise<boolean> {
    const rows = await tx.query<unknown[]>(
      `INSERT INTO stock_receipt (sku, quantity, why) SELECT sku, $2::int, 'COUNT' FROM product WHERE sku = $1 RETURNING id`,
      [sku, quantity],
    );
    return rows.length > 0;
  }
}
