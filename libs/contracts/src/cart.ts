import { event } from '@ballast/message';
import { z } from 'zod';
import { money } from './money.js';

/** One line of a basket at the price the buyer saw. */
export const lineItem = z.object({
  sku: z.string().min(1).max(64),
  name: z.string(),
  quantity: z.int().min(1).max(999),
  unitPrice: money,
});
export type LineItem = z.output<typeof lineItem>;

/** A buyer checked out. Starts the checkout saga in order. `paymentToken` is the processor's reference, no card data. */
export const cartCheckedOut = event('cart.checked-out.v1', {
  key: (p) => p.cartId,
  payload: z.object({
    orderId: z.uuid(),
    cartId: z.uuid(),
    accountId: z.uuid(),
    items: z.array(lineItem).min(1),
    total: money,
    paymentToken: z.string().min(1),
  }),
});
