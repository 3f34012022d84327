import { command, event } from '@ballast/message';
import { z } from 'zod';
import { money } from './money.js';

const forOrder = z.object({ orderId: z.uuid() });

/** A product was created or changed. `version` counts up per SKU. */
export const productChanged = event('inventory.product-changed.v1', {
  key: (p) => p.sku,
  payload: z.object({ sku: z.string(), name: z.string(), price: money, version: z.int().min(1) }),
});

/** Holds stock for an order: all of its items or none. A second call for the same order changes nothing. */
export const reserveStock = command('inventory.reserve-stock.v1', {
  payload: forOrder.extend({ items: z.array(z.object({ sku: z.string(), quantity: z.int().min(1) })).min(1) }),
  failures: ['OUT_OF_STOCK', 'UNKNOWN_SKU', 'RESERVATION_RELEASED'],
});

/** Gives held stock back; when nothing was held yet, refuses a reservation that comes later. Always succeeds before the commit. */
export const releaseStock = command('inventory.release-stock.v1', { payload: forOrder, failures: ['RESERVATION_COMMITTED'] });

/** Takes held stock off the shelf for good. */
export const commitStock = command('inventory.commit-stock.v1', { payload: forOrder, failures: ['NOT_RESERVED'] });
