import { event } from '@ballast/message';
import { z } from 'zod';

const orderEnded = z.object({ orderId: z.uuid(), cartId: z.uuid(), accountId: z.uuid() });

/** The checkout went through: paid and taken from stock. The cart closes. */
export const orderConfirmed = event('order.confirmed.v1', { key: (p) => p.orderId, payload: orderEnded });

/** The checkout ended without a sale; nothing is held or charged. The cart opens again. `reason` is a failure code of a step. */
export const orderRejected = event('order.rejected.v1', { key: (p) => p.orderId, payload: orderEnded.extend({ reason: z.string() }) });
