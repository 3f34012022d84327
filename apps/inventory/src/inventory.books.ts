import { BOOKS_PAGE, TOUCHED_PAGE, type BooksQuery, type ProductRow, type ReservationRow, type TouchedQuery } from '@ballast/contracts';
import { Database } from '@ballast/database';
import { Injectable } from '@nestjs/common';

const NOBODY = '00000000-0000-0000-0000-000000000000';
/** Their sums read every open and committed reservation once a page, so pages are large. */
const PRODUCTS_PAGE = 5_000;

/** Reservations and stock, from the primary. Each answer is one statement, so one snapshot. */
@Injectable()
export class InventoryBooks {
  constructor(private readonly db: Database) {}

  async reservations({ orderIds, after = NOBODY }: BooksQuery): Promise<{ items: ReservationRow[]; next: string | null }> {
    const rows = await this.db.primary.query<(Omit<ReservationRow, 'since'> & { since: Date })[]>(
      `SELECT order_id AS "orderId", state, refusal, since, coalesce((
         SELECT jsonb_agg(jsonb_build_object('sku', sku, 'quantity', quantity) ORDER BY sku)
         FROM reservation_item item WHERE item.order_id = reservation.order_id), '[]') AS items
       FROM reservation WHERE ${orderIds ? 'order_id = ANY ($1::uuid[])' : 'order_id > $1::uuid'} ORDER BY order_id LIMIT ${BOOKS_PAGE}`,
      [orderIds ?? after],
    );
    const items = rows.map((row) => ({ ...row, since: row.since.toISOString() }));
    return { items, next: items.length === BOOKS_PAGE ? items.at(-1)!.orderId : null };
  }

  /** What is held, however long, and what was moved since. */
  async touched({ since, after = NOBODY }: TouchedQuery): Promise<{ orderIds: string[]; next: string | null }> {
    const rows = await this.db.primary.query<{ id: string }[]>(
      `SELECT id FROM (
         SELECT order_id AS id FROM reservation WHERE since >= $1 AND order_id > $2::uuid
         UNION SELECT order_id FROM reservation WHERE state = 'HELD' AND order_id > $2::uuid
       ) AS touched ORDER BY id LIMIT ${TOUCHED_PAGE}`,
      [since, after],
    );
    return { orderIds: rows.map(({ id }) => id), next: rows.length === TOUCHED_PAGE ? rows.at(-1)!.id : null };
  }

  async products(after = ''): Promise<{ items: ProductRow[]; next: string | null }> {
    const items = await this.db.primary.query<ProductRow[]>(
      `WITH page AS (SELECT sku, on_hand, reserved FROM product WHERE sku > $1 ORDER BY sku LIMIT ${PRODUCTS_PAGE}),
            moved AS (
              SELECT sku, sum(quantity) FILTER (WHERE state = 'COMMITTED') AS committed, sum(quantity) FILTER (WHERE state = 'HELD') AS held
              FROM reservation JOIN reservation_item USING (order_id) WHERE state <> 'RELEASED' GROUP BY sku),
            receipt AS (SELECT sku, sum(quantity) AS received FROM stock_receipt GROUP BY sku)
       SELECT sku, on_hand AS "onHand", reserved, coalesce(received, 0)::float8 AS received,
              coalesce(committed, 0)::float8 AS committed, coalesce(held, 0)::float8 AS held
       FROM page LEFT JOIN moved USING (sku) LEFT JOIN receipt USING (sku) ORDER BY sku`,
      [after],
    );
    return { items, next: items.length === PRODUCTS_PAGE ? items.at(-1)!.sku : null };
  }
}
