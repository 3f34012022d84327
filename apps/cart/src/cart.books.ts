import { BOOKS_PAGE, TOUCHED_PAGE, type BooksQuery, type CartRow, type TouchedQuery } from '@ballast/contracts';
import { Database } from '@ballast/database';
import { Injectable } from '@nestjs/common';

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Carts that became an order, by that order, from the primary. */
@Injectable()
export class CartBooks {
  constructor(private readonly db: Database) {}

  async page({ orderIds, after = NOBODY }: BooksQuery): Promise<{ items: CartRow[]; next: string | null }> {
    const items = await this.db.primary.query<CartRow[]>(
      `SELECT order_id AS "orderId", id AS "cartId", status FROM cart
       WHERE order_id IS NOT NULL AND ${orderIds ? 'order_id = ANY ($1::uuid[])' : 'order_id > $1::uuid'} ORDER BY order_id LIMIT ${BOOKS_PAGE}`,
      [orderIds ?? after],
    );
    return { items, next: items.length === BOOKS_PAGE ? items.at(-1)!.orderId : null };
  }

  /** Every cart that waits for its order, however long. One that is closed changes no more, and its order tells. */
  async touched({ after = NOBODY }: TouchedQuery): Promise<{ orderIds: string[]; next: string | null }> {
    const rows = await this.db.primary.query<{ id: string }[]>(
      `SELECT order_id AS id FROM cart WHERE status = 'CHECKING_OUT' AND order_id > $1::uuid ORDER BY order_id LIMIT ${TOUCHED_PAGE}`,
      [after],
    );
    return { orderIds: rows.map(({ id }) => id), next: rows.length === TOUCHED_PAGE ? rows.at(-1)!.id : null };
  }
}
