import type { CartRow, OrderRow, PaymentRow, ReservationRow, SettlementRow } from '@ballast/contracts';

/** All that the books say of one order. */
export interface Sale {
  readonly orderId: string;
  readonly order?: OrderRow;
  readonly payment?: PaymentRow;
  readonly operations: readonly SettlementRow[];
  readonly reservation?: ReservationRow;
  readonly cart?: CartRow;
}

/** How the order ended; undefined while it has not, when nobody knows it, or when order and saga do not agree. */
export function outcomeOf({ order }: Sale): 'CONFIRMED' | 'REJECTED' | undefined {
  if (!order || order.status === 'PENDING' || order.saga?.status === 'STUCK') return undefined;
  return disagrees(order) ? undefined : order.status;
}

export function disagrees({ status, saga }: OrderRow): boolean {
  if (saga?.status === 'COMPLETED') return status !== 'CONFIRMED';
  if (saga?.status === 'COMPENSATED' || saga?.status === 'ABANDONED') return status !== 'REJECTED';
  return false;
}

/** Whether the books are still being written: they are compared when they rest, and have for `grace` ms. */
export function inMotion(sale: Sale, now: number, grace: number): boolean {
  const saga = sale.order?.saga?.status;
  if (saga === 'RUNNING' || saga === 'COMPENSATING') return true;
  return now - lastChange(sale) < grace;
}

/** When any of the books was written last, in ms since 1970; of a cart alone, when it was checked out. */
export function lastChange({ orderId, order, payment, operations, reservation }: Sale): number {
  const times = [
    order?.createdAt,
    order?.endedAt,
    payment?.updatedAt,
    ...(payment?.refunds.map((refund) => refund.createdAt) ?? []),
    ...(payment?.ledger.map((transaction) => transaction.bookedAt) ?? []),
    ...operations.map((operation) => operation.at),
    reservation?.since,
  ].flatMap((at) => (at ? [Date.parse(at)] : []));
  return Math.max(acceptedAt(orderId), ...times);
}

/** When the checkout was accepted: the time in a UUIDv7, its first 48 bits (RFC 9562). Of another id: 0. */
export function acceptedAt(id: string): number {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : 0;
}
