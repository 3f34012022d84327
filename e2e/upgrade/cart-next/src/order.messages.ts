import * as contracts from '@ballast/contracts';
import { event } from '@ballast/message';
import { z } from 'zod';

/** The checkout went through. Against v1 it says who bought by another name, and what was paid. */
export const orderConfirmedV2 = event('order.confirmed.v2', {
  key: (p) => p.orderId,
  payload: z.object({ orderId: z.uuid(), cartId: z.uuid(), buyerId: z.uuid(), total: contracts.money }),
});

export const messages = [...contracts.messages, orderConfirmedV2];
