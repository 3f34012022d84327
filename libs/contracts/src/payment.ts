import { command } from '@ballast/message';
import { z } from 'zod';
import { money } from './money.js';

const forOrder = z.object({ orderId: z.uuid() });

/** Holds the buyer's money at the card processor. A second call for the same order changes nothing. */
export const authorisePayment = command('payment.authorise-payment.v1', {
  payload: forOrder.extend({ accountId: z.uuid(), amount: money, token: z.string().min(1) }),
  reply: z.object({ paymentId: z.uuid() }),
  failures: ['PAYMENT_DECLINED', 'INSUFFICIENT_FUNDS', 'PAYMENT_VOIDED'],
});

/** Gives an authorisation up; when none was made yet, refuses one that comes later. */
export const voidPayment = command('payment.void-payment.v1', { payload: forOrder, failures: ['PAYMENT_CAPTURED'] });

/** Takes the held money: the pivot of a checkout. A second call for the same order changes nothing. */
export const capturePayment = command('payment.capture-payment.v1', {
  payload: forOrder,
  failures: ['CAPTURE_REFUSED', 'NOT_AUTHORISED'],
});
