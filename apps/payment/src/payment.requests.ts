import { money } from '@ballast/contracts';
import { z } from 'zod';
import type { Payment } from './payment.entity.js';

export const refundRequest = z.object({ amount: money.extend({ amount: z.int().min(1).max(Number.MAX_SAFE_INTEGER) }) });
export type RefundRequest = z.output<typeof refundRequest>;

export const paymentsQuery = z.object({ orderId: z.uuid() });
export type PaymentsQuery = z.output<typeof paymentsQuery>;

/** What an account sees of a payment; every amount is money. */
export const view = ({ id, orderId, status, amount, captured, refunded, currency }: Payment) => ({
  paymentId: id,
  orderId,
  status,
  amount: { amount, currency },
  captured: { amount: captured, currency },
  refunded: { amount: refunded, currency },
});
