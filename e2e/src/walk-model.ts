import assert from 'node:assert/strict';
import type { Answer, OrderView, Shopper } from './shop.js';

/** An order as the model knows it. */
export interface Order {
  orderId: string;
  items: Map<number, number>;
  total: number;
  token: string;
  refunded: number;
  /** Unknown until somebody asked after it. */
  end?: OrderView;
}
export interface Buyer {
  shopper: Shopper;
  cart: Map<number, number>;
  seen: { cartId: string; version: number; items: string } | undefined;
  orders: Order[];
  pending: Order | undefined;
  last: { key: string; token: string; orderId: string } | undefined;
}
export interface CartView {
  cartId: string;
  version: number;
  items: { sku: string; quantity: number }[];
  subtotal: { amount: number };
}

export const PRICES = [
  { amount: 250, currency: 'EUR' },
  { amount: 499, currency: 'EUR' },
  { amount: 1_200, currency: 'JPY' },
] as const;
const OUT = 'OUT_OF_STOCK';
/** Why an order may be rejected, by its payment token. */
export const REASONS: Record<string, string[]> = {
  tok_ok: [OUT],
  tok_declined: [OUT, 'PAYMENT_DECLINED'],
  tok_insufficient_funds: [OUT, 'INSUFFICIENT_FUNDS'],
};
export const whole = (value: unknown, min: number, max: number): value is number =>
  Number.isInteger(value) && Number(value) >= min && Number(value) <= max;

export const totalOf = (cart: Map<number, number>): number =>
  [...cart].reduce((sum, [product, quantity]) => sum + quantity * PRICES[product]!.amount, 0);

/** The answer shows the cart that the buyer has to have; its version never falls, and grows whenever the items change. */
export function isCart({ status, body }: Answer<unknown>, buyer: Buyer, skus: readonly string[]): void {
  assert.equal(status, 200);
  const { cartId, version, items, subtotal } = body as CartView;
  const expected = [...buyer.cart].map(([product, quantity]) => [skus[product], quantity]);
  assert.deepEqual(new Map(items.map(({ sku, quantity }) => [sku, quantity])), new Map(expected as [string, number][]));
  assert.equal(subtotal.amount, totalOf(buyer.cart));
  const seen = { cartId, version, items: JSON.stringify(items) };
  if (buyer.seen?.cartId === cartId) {
    assert(version >= buyer.seen.version, `version fell from ${buyer.seen.version} to ${version}`);
    if (seen.items !== buyer.seen.items) assert(version > buyer.seen.version, `version ${version} stayed while the items changed`);
  }
  buyer.seen = seen;
}
