import { cartCheckedOut, orderConfirmed } from '@ballast/contracts';
import type { Finding } from '../finding.js';
import { disagrees, outcomeOf, type Sale } from '../sale.js';

/** Cart, order and saga: whether each heard of the other. */
export function journey(sale: Sale): Finding[] {
  const { orderId, order, payment, reservation, cart } = sale;
  const about = { subject: orderId, orderId };
  if (!order) {
    // A lost order row is one difference, told by whoever has most to lose.
    if (payment) {
      const amount = { amount: payment.captured - payment.refunded, currency: payment.currency ?? '' };
      const detail = `payment ${payment.status}, order unknown`;
      return [{ kind: 'PAYMENT_WITHOUT_ORDER', ...about, ...(payment.currency && { amount }), detail }];
    }
    if (reservation) return [{ kind: 'RESERVATION_WITHOUT_ORDER', ...about, detail: `reservation ${reservation.state}, order unknown` }];
    if (!cart) return [];
    const message = { topic: cartCheckedOut.topic, from: 'cart', to: 'order', key: cart.cartId } as const;
    return [{ kind: 'CART_WITHOUT_ORDER', ...about, detail: `cart ${cart.cartId} ${cart.status}, order unknown`, message }];
  }
  const amount = order.total;
  if (order.saga?.status === 'STUCK')
    return [{ kind: 'SAGA_STUCK', ...about, amount, detail: `saga STUCK at ${order.saga.step ?? 'its end'}` }];
  if (!order.saga && order.status === 'PENDING')
    return [{ kind: 'ORDER_WITHOUT_SAGA', ...about, amount, detail: 'order PENDING, no saga' }];
  if (disagrees(order))
    return [{ kind: 'ORDER_AND_SAGA_DISAGREE', ...about, amount, detail: `order ${order.status}, saga ${order.saga!.status}` }];

  const outcome = outcomeOf(sale);
  if (!outcome || !cart) return [];
  if (cart.status === 'CLOSED')
    return outcome === 'REJECTED'
      ? [{ kind: 'CART_CLOSED_OF_REJECTED', ...about, detail: `order REJECTED, cart ${cart.cartId} CLOSED` }]
      : [];
  const message = { topic: orderConfirmed.topic, from: 'order', to: 'cart', key: orderId } as const;
  const repair = { service: 'order', path: `orders/${orderId}/announcements` } as const;
  return [{ kind: 'CART_LEFT_CHECKING_OUT', ...about, detail: `order ${outcome}, cart ${cart.cartId} CHECKING_OUT`, message, repair }];
}
