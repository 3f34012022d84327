import type { AnyDefinition } from '@ballast/message';
import * as cart from './cart.js';
import * as inventory from './inventory.js';
import * as order from './order.js';
import * as payment from './payment.js';

/** Every message of this shop. Topics, schema files and boot checks are made from this list, which fills itself. */
export const messages: readonly AnyDefinition[] = [cart, inventory, order, payment]
  .flatMap((file) => Object.values(file) as unknown[])
  .filter((value): value is AnyDefinition => typeof value === 'function' && 'kind' in value);
