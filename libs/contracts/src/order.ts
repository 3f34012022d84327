import { event } from '@ballast/message';
import { z } from 'zod';

const orderEnded = z.object({ orderId: z.uuid(), cartId: z.uuid(), accountId: z.uuid() });

/** The checkout went through: paid and taken from stock. The cart closes. */
export const orderConfirmed = event('order.confirmed.v1', { key: (p) => p.orderId, payload: orderEnded });

/**
 * The checkout ended without a sale; nothing is held or charged. The cart opens again. `reason` is a failure code of a step.
 * `ABANDONED`: an operator gave up a checkout that was stuck. What was held or charged then is settled by people, by its saga's history.
 */
export const orderRejected = event('order.rejected.v1', { key: (p) => p.orderId, payload: orderEnded.extend({ reason: z.string() }) });
