import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError } from './errors.js';
import { type Credentials, ShopClient } from './shop-client.js';

interface OrderView {
  orderId: string;
  status: 'PENDING' | 'CONFIRMED' | 'REJECTED';
  reason?: string;
  total: { amount: number; currency: string };
  createdAt: string;
  history: { step: string; outcome: string; at: string }[];
}

export interface Purchase {
  orderId: string;
  status: 'CONFIRMED' | 'REJECTED';
  reason?: string;
  total: { amount: number; currency: string };
  /** Each step and its milliseconds since the order was there, a moment after the checkout was answered for. */
  timeline: { step: string; outcome: string; ms: number }[];
  /** Milliseconds from sending the checkout until the final status was seen. */
  ms: number;
  /** Finds the whole checkout in the traces. */
  traceId?: string;
}

/** @throws {ClusterError} for a purchase that did not end as one with a good card and enough stock has to */
export function confirmed(purchase: Purchase): Purchase {
  const { orderId, status, reason } = purchase;
  if (status !== 'CONFIRMED') throw new ClusterError(`The purchase failed: order ${orderId} is ${status}${reason ? ` (${reason})` : ''}`);
  return purchase;
}

const basket: readonly (readonly [sku: string, quantity: number])[] = [
  ['sku-001', 2],
  ['sku-008', 3],
];

/** Buys a basket as a user would: sign in, fill the cart, check out, watch the order until it is CONFIRMED or REJECTED. */
export async function buy(gateway: string, buyer: Credentials, paymentToken = 'tok_ok'): Promise<Purchase> {
  const shop = await ShopClient.signIn(gateway, buyer);
  for (const [sku, quantity] of basket) {
    await shop.request('PUT', `/cart/items/${sku}`, {
      body: { quantity },
      // The cart learns of new products, and of the end of an earlier order, by events.
      awaited: (status, code) => status === 404 || code === 'CART_CHECKING_OUT',
    });
  }
  const sent = performance.now();
  const checkout = await shop.request<{ orderId: string }>('POST', '/cart/checkout', {
    body: { paymentToken },
    headers: { 'idempotency-key': randomUUID() },
  });
  const order = await finalOrder(shop, checkout.body.orderId);
  const ms = performance.now() - sent;
  const traceId = checkout.headers.get('traceparent')?.split('-')[1];
  const { orderId, status, reason, total, createdAt, history } = order;
  return {
    orderId,
    status: status as Purchase['status'],
    total,
    ms,
    timeline: history.map(({ step, outcome, at }) => ({ step, outcome, ms: Date.parse(at) - Date.parse(createdAt) })),
    ...(reason && { reason }),
    ...(traceId && { traceId }),
  };
}

async function finalOrder(shop: ShopClient, orderId: string): Promise<OrderView> {
  const end = Date.now() + 60_000;
  for (;;) {
    const { body } = await shop.request<OrderView>('GET', `/orders/${orderId}`, { awaited: (status) => status === 404 });
    if (body.status !== 'PENDING') return body;
    if (body.reason === 'STUCK') throw new ClusterError(`Order ${orderId} is stuck: an operator has to look at it`);
    if (Date.now() > end) throw new ClusterError(`Order ${orderId} is still PENDING after 60 s`);
    await sleep(50);
  }
}
