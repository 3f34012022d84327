import { money } from '@ballast/contracts';
import { z } from 'zod';
import type { Payment } from './payment.entity.js';

export const refundRequest = z.object({ amount: money.extend({ amount: z.int().min(1).max(Number.MAX_SAFE_INTEGER) }) });
export type RefundRequest = z.output<typeof refundRequest>;

export const paymentsQuery = z.object({ orderId: z.uuid() });
export type PaymentsQuery = z.output<typeof paymentsQuery>;

const amountOf = z.object({ amount: z.int(), currency: z.string() });

/** What an account sees of a payment; every amount is money. */
export const paymentView = z.object({
  paymentId: z.uuid(),
  orderId: z.uuid(),
  status: z.string(),
  amount: amountOf,
  captured: amountOf,
  refunded: amountOf,
});
export type PaymentView = z.output<typeof paymentView>;
export const refundView = z.object({ refundId: z.uuid(), status: z.string() });
export const ledgerView = z.object({
  accounts: z.array(z.object({ account: z.string(), currency: z.string(), debit: z.int(), credit: z.int() })),
  balanced: z.boolean(),
});

export const view = ({ id, orderId, status, amount, captured, refunded, currency }: Payment): PaymentView => ({
  paymentId: id,
  orderId,
  status,
  amount: { amount, currency: currency! },
  captured: { amount: captured, currency: currency! },
  refunded: { amount: refunded, currency: currency! },
});
