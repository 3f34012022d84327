import type { PaymentRow, SettlementRow } from '@ballast/contracts';
import type { Finding } from '../finding.js';
import type { Sale } from '../sale.js';
import { capturesOf, keysOf } from './money.js';

type Refund = PaymentRow['refunds'][number];

/** Whether more was given back than taken: by payment's own books, or by the processor's. Then nothing else is said of refunds. */
export function exceeds({ payment, operations }: Sale): Finding[] {
  if (!payment) return [];
  const booked = sum(payment.refunds.filter(({ status }) => status !== 'REVERSED').map(({ amount }) => amount));
  const paid = sum(refundsAt(payment, operations).map(({ amount }) => amount?.amount ?? 0));
  const taken = sum(capturesOf(payment, operations).map(({ amount }) => amount?.amount ?? 0));
  const over = Math.max(booked - payment.captured, paid - Math.max(taken, payment.captured));
  if (over <= 0) return [];
  const { paymentId: subject, orderId, captured, currency } = payment;
  const detail = `captured ${captured}, refunds booked ${booked}, paid by the processor ${paid}`;
  return [{ kind: 'REFUNDS_EXCEED_CAPTURE', subject, orderId, amount: { amount: over, currency: currency ?? '' }, detail }];
}

/** Payment's refunds beside the processor's. */
export function refunds(sale: Sale): Finding[] {
  const { payment, operations } = sale;
  if (!payment || payment.asking.length > 0) return [];
  const { orderId, paymentId } = payment;
  const paid = refundsAt(payment, operations);
  const found = payment.refunds.flatMap((refund) =>
    compare(
      refund,
      paid.find(({ key }) => key === refund.refundId),
      orderId,
    ),
  );
  for (const { key, amount } of paid)
    if (!payment.refunds.some(({ refundId }) => refundId === key))
      found.push({
        kind: 'REFUND_NOT_IN_PAYMENT',
        subject: key,
        orderId,
        ...(amount && { amount }),
        detail: `the processor refunded under ${key}`,
      });
  const active = sum(payment.refunds.filter(({ status }) => status !== 'REVERSED').map(({ amount }) => amount));
  if (active !== payment.refunded) {
    const amount = { amount: Math.abs(active - payment.refunded), currency: payment.currency ?? '' };
    const detail = `refunded total ${payment.refunded}, its refunds sum to ${active}`;
    found.push({ kind: 'REFUNDED_TOTAL_DIFFERS', subject: paymentId, orderId, amount, detail });
  }
  return found;
}

function compare({ refundId: subject, status, amount, currency }: Refund, paid: SettlementRow | undefined, orderId: string): Finding[] {
  const about = { subject, orderId, amount: { amount, currency } };
  const again = { service: 'payment', path: `refunds/${subject}/attempts` } as const;
  if (!paid)
    return status === 'REVERSED'
      ? []
      : [{ kind: 'REFUND_NOT_AT_PROCESSOR', ...about, detail: `refund ${status}, the processor has none`, repair: again }];
  if (status === 'REVERSED') return [{ kind: 'REFUND_REVERSED_BUT_PAID', ...about, detail: 'refund REVERSED, the processor paid it' }];
  if (paid.amount?.amount !== amount || paid.amount.currency !== currency) {
    const detail = `payment ${amount} ${currency}, the processor ${paid.amount?.amount} ${paid.amount?.currency}`;
    return [
      { kind: 'REFUND_AMOUNT_DIFFERS', ...about, amount: { amount: Math.abs((paid.amount?.amount ?? 0) - amount), currency }, detail },
    ];
  }
  if (status === 'BOOKED') return [{ kind: 'REFUND_NOT_SETTLED', ...about, detail: 'refund BOOKED, the processor paid it', repair: again }];
  return [];
}

/** Refunds of the payment's authorisation, and those under a refund's key. */
const refundsAt = (payment: PaymentRow, operations: readonly SettlementRow[]): SettlementRow[] =>
  operations.filter(
    ({ kind, key, target }) =>
      kind === 'refund' && (target === keysOf(payment).authorise || payment.refunds.some(({ refundId }) => refundId === key)),
  );

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);
