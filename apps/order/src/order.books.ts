import { BOOKS_PAGE, TOUCHED_PAGE, type BooksQuery, type OrderRow, type TouchedQuery } from '@ballast/contracts';
import { Database } from '@ballast/database';
import { Sagas } from '@ballast/saga';
import { Injectable } from '@nestjs/common';

interface Row {
  id: string;
  cart_id: string;
  status: OrderRow['status'];
  reason: string | null;
  total: OrderRow['total'];
  items: OrderRow['items'];
  created_at: Date;
  ended_at: Date | null;
}

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Orders and how far their sagas are, from the primary. */
@Injectable()
export class OrderBooks {
  constructor(
    private readonly db: Database,
    private readonly sagas: Sagas,
  ) {}

  async page({ orderIds, after = NOBODY }: BooksQuery): Promise<{ items: OrderRow[]; next: string | null }> {
    const rows = await this.db.primary.query<Row[]>(
      `SELECT id, cart_id, status, reason, total, items, created_at, ended_at FROM orders
       WHERE ${orderIds ? 'id = ANY ($1::uuid[])' : 'id > $1::uuid'} ORDER BY id LIMIT ${BOOKS_PAGE}`,
      [orderIds ?? after],
    );
    // Asked after the orders: a saga that is said to run may have ended since, never the other way round.
    const sagas = await this.sagas.findAll(
      this.db.primary,
      rows.map(({ id }) => id),
    );
    const items = rows.map(({ id, cart_id, created_at, ended_at, items, ...row }) => {
      const saga = sagas.get(id);
      return {
        ...row,
        orderId: id,
        cartId: cart_id,
        items: items.map(({ sku, quantity }) => ({ sku, quantity })),
        createdAt: created_at.toISOString(),
        endedAt: ended_at?.toISOString() ?? null,
        saga: saga ? { status: saga.status, ...(saga.step && { step: saga.step }) } : null,
      };
    });
    return { items, next: rows.length === BOOKS_PAGE ? rows.at(-1)!.id : null };
  }

  /** What is open, and what came or ended since. */
  async touched({ since, after = NOBODY }: TouchedQuery): Promise<{ orderIds: string[]; next: string | null }> {
    const rows = await this.db.primary.query<{ id: string }[]>(
      `SELECT id FROM (
         SELECT id FROM orders WHERE status = 'PENDING' AND id > $2::uuid
         UNION SELECT id FROM orders WHERE ended_at >= $1 AND id > $2::uuid
         UNION SELECT id FROM orders WHERE id >= $3::uuid AND id > $2::uuid
       ) AS touched ORDER BY id LIMIT ${TOUCHED_PAGE}`,
      [since, after, youngest(Date.parse(since))],
    );
    return { orderIds: rows.map(({ id }) => id), next: rows.length === TOUCHED_PAGE ? rows.at(-1)!.id : null };
  }
}

/** The smallest UUIDv7 of that time: ids of what was accepted later are greater. */
const youngest = (time: number): string => {
  const hex = time.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
};
