import type { PaymentRow, SettlementRow } from '@ballast/contracts';
import type { Finding } from '../finding.js';
import { outcomeOf, type Sale } from '../sale.js';

/** The processor's keys of a payment, as apps/payment makes them: fixed for ever. */
export const keysOf = ({ paymentId }: Pick<PaymentRow, 'paymentId'>) => ({
  authorise: `${paymentId}:authorise`,
  capture: `${paymentId}:capture`,
  void: `${paymentId}:void`,
});

/** Captures that belong to the payment: under its own key, or taken from its authorisation under another. */
export const capturesOf = (payment: PaymentRow, operations: readonly SettlementRow[]): SettlementRow[] =>
  operations.filter(
    ({ kind, key, target }) => kind === 'capture' && (key === keysOf(payment).capture || target === keysOf(payment).authorise),
  );

/** Payment, the processor and the order: what was taken, and whether it should have been. */
export function money(sale: Sale): Finding[] {
  const { orderId, order, payment, operations } = sale;
  if (!payment) return withoutPayment(sale);
  // What is being asked of the processor right now decides itself.
  if (payment.asking.length > 0) return [];
  const strangers = operations.filter((operation) => !belongs(operation, payment)).map((operation) => unknown(operation, orderId));
  const taken = capture(sale, payment, capturesOf(payment, operations));
  if (taken.length > 0) return [...strangers, ...taken];
  return [...strangers, ...(order ? owed(sale, payment) : []), ...heldStill(sale, payment)];
}

function withoutPayment(sale: Sale): Finding[] {
  const { orderId, order, operations } = sale;
  const strangers = operations.map((operation) => unknown(operation, orderId));
  if (outcomeOf(sale) !== 'CONFIRMED' || operations.some(({ kind }) => kind === 'capture')) return strangers;
  const { total } = order!;
  return total.amount === 0 ? strangers : [...strangers, unpaid(orderId, total, 'order CONFIRMED, no payment')];
}

/** Payment's capture beside the processor's. */
function capture({ orderId }: Sale, payment: PaymentRow, captures: readonly SettlementRow[]): Finding[] {
  const { paymentId: subject, status, captured } = payment;
  const currency = payment.currency ?? '';
  const about = { subject, orderId };
  if (captures.length > 1) {
    const [, ...more] = [...captures].sort((a, b) => Number(b.key === keysOf(payment).capture) - Number(a.key === keysOf(payment).capture));
    const amount = { amount: more.reduce((sum, each) => sum + (each.amount?.amount ?? 0), 0), currency };
    return [
      { kind: 'CAPTURED_TWICE', ...about, amount, detail: `the processor captured under ${captures.map(({ key }) => key).join(' and ')}` },
    ];
  }
  const [only] = captures;
  if (status !== 'CAPTURED') {
    if (!only) return [];
    return [
      {
        kind: 'CAPTURE_NOT_IN_PAYMENT',
        ...about,
        ...(only.amount && { amount: only.amount }),
        detail: `the processor captured, payment says ${status}`,
        repair: { service: 'payment', path: `payments/${subject}/captures` },
      },
    ];
  }
  if (!only)
    return [
      {
        kind: 'CAPTURE_NOT_AT_PROCESSOR',
        ...about,
        amount: { amount: captured, currency },
        detail: 'payment says CAPTURED, the processor has none',
      },
    ];
  if (only.amount?.currency !== payment.currency)
    return [
      {
        kind: 'CAPTURE_CURRENCY_DIFFERS',
        ...about,
        amount: { amount: captured, currency },
        detail: `payment ${captured} ${currency}, the processor ${only.amount?.amount} ${only.amount?.currency}`,
      },
    ];
  if (only.amount.amount !== captured)
    return [
      {
        kind: 'CAPTURE_AMOUNT_DIFFERS',
        ...about,
        amount: { amount: Math.abs(only.amount.amount - captured), currency },
        detail: `payment ${captured}, the processor ${only.amount.amount} ${currency}`,
      },
    ];
  return [];
}

/** Payment's capture beside what the order is owed, once payment and the processor agree. */
function owed(sale: Sale, payment: PaymentRow): Finding[] {
  const outcome = outcomeOf(sale);
  const { orderId, order } = sale;
  const { paymentId: subject, status, captured, refunded } = payment;
  const { total } = order!;
  const about = { subject, orderId };
  if (outcome === 'CONFIRMED') {
    if (status !== 'CAPTURED') return [unpaid(orderId, total, `order CONFIRMED, payment ${status}`)];
    if (captured === total.amount && payment.currency === total.currency) return [];
    const amount = { amount: Math.abs(captured - total.amount), currency: total.currency };
    return [
      {
        kind: 'PAYMENT_TOTAL_DIFFERS',
        ...about,
        amount,
        detail: `taken ${captured} ${payment.currency}, total ${total.amount} ${total.currency}`,
      },
    ];
  }
  const left = captured - refunded;
  if (outcome !== 'REJECTED' || status !== 'CAPTURED' || left <= 0) return [];
  return [
    {
      kind: 'REJECTED_WITH_CAPTURE',
      ...about,
      amount: { amount: left, currency: payment.currency! },
      detail: `order REJECTED, captured ${captured}, given back ${refunded}`,
      repair: { service: 'payment', path: `payments/${subject}/refunds`, body: { left } },
    },
  ];
}

/** Money the processor still holds for an order that came to nothing. A cancelled authorisation is not in its settlement. */
function heldStill(sale: Sale, payment: PaymentRow): Finding[] {
  const { orderId, operations } = sale;
  const held = operations.find(({ key, kind }) => kind === 'authorisation' && key === keysOf(payment).authorise);
  const givenUp = outcomeOf(sale) === 'REJECTED' || ['VOIDED', 'DECLINED'].includes(payment.status);
  if (!held || !givenUp || payment.status === 'CAPTURED') return [];
  return [
    {
      kind: 'AUTHORISATION_LEFT_OPEN',
      subject: payment.paymentId,
      orderId,
      ...(held.amount && { amount: held.amount }),
      detail: `payment ${payment.status}, the authorisation is open`,
      repair: { service: 'payment', path: `payments/${payment.paymentId}/voids` },
    },
  ];
}

const unpaid = (orderId: string, amount: { amount: number; currency: string }, detail: string): Finding => ({
  kind: 'CONFIRMED_WITHOUT_CAPTURE',
  subject: orderId,
  orderId,
  amount,
  detail,
});

/** Whether payment can know of it: by one of its keys, a refund's, or as something done to its authorisation (judged elsewhere). */
function belongs({ key, kind, target }: SettlementRow, payment: PaymentRow): boolean {
  const keys = keysOf(payment);
  if (Object.values(keys).includes(key) || payment.refunds.some(({ refundId }) => refundId === key)) return true;
  return (kind === 'capture' || kind === 'refund') && target === keys.authorise;
}

const unknown = ({ key, kind, amount }: SettlementRow, orderId: string): Finding => ({
  kind: 'OPERATION_UNKNOWN',
  subject: key,
  orderId,
  ...(amount && { amount }),
  detail: `${kind ?? 'operation'} ${key}, which no payment has`,
});
