import type { ProductRow } from '@ballast/contracts';
import type { Finding } from '../finding.js';
import { outcomeOf, type Sale } from '../sale.js';

/** What inventory did for the order beside how it ended. */
export function stock(sale: Sale): Finding[] {
  const { orderId, order, reservation } = sale;
  const outcome = outcomeOf(sale);
  if (!order || !outcome) return [];
  const about = { subject: orderId, orderId };
  const amount = order.total;
  if (reservation?.state === 'HELD') {
    const path = `reservations/${orderId}/${outcome === 'CONFIRMED' ? 'commits' : 'releases'}`;
    return [
      { kind: 'RESERVATION_ORPHANED', ...about, amount, detail: `order ${outcome}, stock HELD`, repair: { service: 'inventory', path } },
    ];
  }
  if (outcome === 'REJECTED') {
    if (reservation?.state !== 'COMMITTED') return [];
    const repair = { service: 'inventory', path: `reservations/${orderId}/returns` } as const;
    return [{ kind: 'RESERVATION_OF_REJECTED', ...about, amount, detail: 'order REJECTED, stock COMMITTED', repair }];
  }
  if (reservation?.state !== 'COMMITTED')
    return [{ kind: 'RESERVATION_MISSING', ...about, amount, detail: `order CONFIRMED, reservation ${reservation?.state ?? 'missing'}` }];
  const [ordered, taken] = [linesOf(order.items), linesOf(reservation.items)];
  return ordered === taken
    ? []
    : [{ kind: 'RESERVATION_LINES_DIFFER', ...about, amount, detail: `ordered ${ordered}; taken ${taken || 'nothing'}` }];
}

/** One line per product, in order, as text. */
function linesOf(items: readonly { sku: string; quantity: number }[]): string {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of items) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  return [...quantities]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([sku, quantity]) => `${quantity} × ${sku}`)
    .join(', ');
}

/** A product's two numbers beside the movements they are the sum of: one snapshot of inventory's own books. */
export function product({ sku, onHand, reserved, received, committed, held }: ProductRow): Finding[] {
  const found: Finding[] = [];
  if (onHand !== received - committed)
    found.push({
      kind: 'STOCK_ON_HAND_DIFFERS',
      subject: sku,
      steady: String(onHand - received + committed),
      detail: `on hand ${onHand}; came in ${received}, orders took ${committed}, so ${received - committed} is due`,
    });
  if (reserved !== held)
    found.push({
      kind: 'STOCK_RESERVED_DIFFERS',
      subject: sku,
      steady: String(reserved - held),
      detail: `reserved ${reserved}, orders hold ${held}`,
      repair: { service: 'inventory', path: `products/${encodeURIComponent(sku)}/recounts` },
    });
  return found;
}
