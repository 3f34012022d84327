import { lineItem, money } from '@ballast/contracts';
import { z } from 'zod';

export const sku = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/);

/** The body of PUT /cart/items/:sku; 0 removes the item. */
export const itemChange = z.object({ quantity: z.int().min(0).max(999) });
export type ItemChange = z.output<typeof itemChange>;

/** The body of POST /cart/checkout. The token is the card processor's reference. */
export const checkout = z.object({ paymentToken: z.string().regex(/^[\x21-\x7e]{1,200}$/, '1 to 200 visible characters') });
export type Checkout = z.output<typeof checkout>;

/** A cart as its buyer sees it. An empty one has no currency yet: its subtotal is 0 of `null`. */
export const cartView = z.object({
  cartId: z.uuid(),
  items: z.array(lineItem),
  subtotal: money.or(z.object({ amount: z.literal(0), currency: z.null() })),
  version: z.int().min(0),
});
export type CartView = z.output<typeof cartView>;

export const checkoutView = z.object({ orderId: z.uuid() });
