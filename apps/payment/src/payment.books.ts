import { BOOKS_PAGE, TOUCHED_PAGE, type BooksQuery, type PaymentRow, type TouchedQuery } from '@ballast/contracts';
import { Database } from '@ballast/database';
import { Injectable } from '@nestjs/common';

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** `open` is read once for the whole page: calls to the processor that are still to be made, by the payment they are about. */
const PAGE = (where: string) => `
WITH open AS MATERIALIZED (
  SELECT kind, coalesce((payload ->> 'paymentId')::uuid, (SELECT payment_id FROM refund WHERE id = (payload ->> 'refundId')::uuid)) AS payment_id
  FROM intent WHERE state <> 'DONE')
SELECT order_id, id, status, amount, captured, refunded, currency, updated_at,
  (SELECT coalesce(jsonb_agg(DISTINCT kind), '[]') FROM open WHERE open.payment_id = payment.id) AS asking,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('refundId', refund.id, 'amount', refund.amount, 'currency', refund.currency,
      'status', refund.status, 'createdAt', refund.created_at) ORDER BY refund.created_at), '[]')
    FROM refund WHERE refund.payment_id = payment.id) AS refunds,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('transactionId', booked.id, 'kind', booked.kind, 'reference', booked.reference,
      'bookedAt', booked.booked_at, 'entries', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('account', account, 'currency', entry.currency, 'debit', debit, 'credit', credit)), '[]')
        FROM ledger_entry entry WHERE entry.transaction_id = booked.id)) ORDER BY booked.booked_at), '[]')
    FROM ledger_transaction booked
    WHERE booked.kind IN ('CAPTURE', 'REFUND', 'REFUND_REVERSAL')
      AND booked.reference = ANY (ARRAY(SELECT payment.id UNION ALL SELECT refund.id FROM refund WHERE refund.payment_id = payment.id))) AS ledger
FROM payment WHERE ${where} ORDER BY order_id LIMIT ${BOOKS_PAGE}`;

interface Row extends Pick<PaymentRow, 'status' | 'currency' | 'asking' | 'refunds' | 'ledger'> {
  order_id: string;
  id: string;
  amount: string;
  captured: string;
  refunded: string;
  updated_at: Date;
}

/** Payments with their refunds and what was booked for them. A page is one statement, so one snapshot of the primary. */
@Injectable()
export class PaymentBooks {
  constructor(private readonly db: Database) {}

  async page({ orderIds, after = NOBODY }: BooksQuery): Promise<{ items: PaymentRow[]; next: string | null }> {
    const rows = await this.db.primary.query<Row[]>(PAGE(orderIds ? 'order_id = ANY ($1::uuid[])' : 'order_id > $1::uuid'), [
      orderIds ?? after,
    ]);
    const items = rows.map(({ order_id, id, amount, captured, refunded, updated_at, ...row }) => ({
      ...row,
      orderId: order_id,
      paymentId: id,
      amount: Number(amount),
      captured: Number(captured),
      refunded: Number(refunded),
      updatedAt: updated_at.toISOString(),
    }));
    return { items, next: items.length === BOOKS_PAGE ? items.at(-1)!.orderId : null };
  }

  /** Every booking touches its payment, but for the answer to a refund, which the processor's books tell. */
  async touched({ since, after = NOBODY }: TouchedQuery): Promise<{ orderIds: string[]; next: string | null }> {
    const rows = await this.db.primary.query<{ order_id: string }[]>(
      `SELECT order_id FROM payment WHERE updated_at >= $1 AND order_id > $2::uuid ORDER BY order_id LIMIT ${TOUCHED_PAGE}`,
      [since, after],
    );
    const orderIds = rows.map(({ order_id }) => order_id);
    return { orderIds, next: orderIds.length === TOUCHED_PAGE ? orderIds.at(-1)! : null };
  }
}
