import type { PaymentRow } from '@ballast/contracts';
import type { Finding } from '../finding.js';
import type { Sale } from '../sale.js';

type Booked = PaymentRow['ledger'][number];
type BookingKind = Booked['kind'];

/** The account each event debits, and the one it credits: as apps/payment books them. */
const POSTINGS: Readonly<Record<BookingKind, readonly [debit: string, credit: string]>> = {
  CAPTURE: ['psp-receivable', 'sales'],
  REFUND: ['refunds', 'psp-receivable'],
  REFUND_REVERSAL: ['psp-receivable', 'refunds'],
};

interface Expected {
  kind: BookingKind;
  reference: string;
  amount: number;
  currency: string;
}

/** The payment's own state beside what was booked for it. */
export function ledger({ payment }: Sale): Finding[] {
  if (!payment) return [];
  const { orderId, paymentId } = payment;
  const due = expected(payment);
  const found = due.flatMap((each) => {
    const booked = payment.ledger.find(({ kind, reference }) => kind === each.kind && reference === each.reference);
    return booked ? compare(each, booked, orderId) : [missing(each, orderId, paymentId)];
  });
  for (const { kind, reference, transactionId, entries } of payment.ledger) {
    if (due.some((each) => each.kind === kind && each.reference === reference)) continue;
    const [entry] = entries;
    found.push({
      kind: 'LEDGER_ENTRY_UNEXPECTED',
      subject: transactionId,
      orderId,
      ...(entry && { amount: { amount: entry.debit || entry.credit, currency: entry.currency } }),
      detail: `${kind} of ${reference} is booked, and did not happen`,
    });
  }
  return found;
}

function expected({ paymentId, status, captured, currency, refunds }: PaymentRow): Expected[] {
  const due: Expected[] = status === 'CAPTURED' ? [{ kind: 'CAPTURE', reference: paymentId, amount: captured, currency: currency! }] : [];
  for (const { refundId: reference, amount, currency, status } of refunds) {
    due.push({ kind: 'REFUND', reference, amount, currency });
    if (status === 'REVERSED') due.push({ kind: 'REFUND_REVERSAL', reference, amount, currency });
  }
  return due.filter(({ amount }) => amount > 0); // nothing moved, nothing is booked
}

function compare({ kind, reference, amount, currency }: Expected, { transactionId: subject, entries }: Booked, orderId: string): Finding[] {
  const sums = new Map<string, number>();
  for (const entry of entries) sums.set(entry.currency, (sums.get(entry.currency) ?? 0) + entry.debit - entry.credit);
  const open = [...sums].find(([, difference]) => difference !== 0);
  if (open)
    return [
      {
        kind: 'LEDGER_UNBALANCED',
        subject,
        orderId,
        amount: { amount: Math.abs(open[1]), currency: open[0] },
        detail: `${kind} of ${reference}: debits and credits differ by ${Math.abs(open[1])} ${open[0]}`,
      },
    ];
  const [debit, credit] = POSTINGS[kind];
  const is = (account: string, side: 'debit' | 'credit') =>
    entries.some((entry) => entry.account === account && entry.currency === currency && entry[side] === amount);
  if (entries.length === 2 && is(debit, 'debit') && is(credit, 'credit')) return [];
  const written = entries.map((entry) => `${entry.account} ${entry.debit || -entry.credit} ${entry.currency}`).join(', ');
  return [
    {
      kind: 'LEDGER_ENTRY_DIFFERS',
      subject,
      orderId,
      amount: { amount, currency },
      detail: `${kind} of ${reference}: ${amount} ${currency} from ${credit} to ${debit} due, written ${written || 'nothing'}`,
    },
  ];
}

const missing = ({ kind, reference: subject, amount, currency }: Expected, orderId: string, paymentId: string): Finding => ({
  kind: 'LEDGER_ENTRY_MISSING',
  subject,
  orderId,
  amount: { amount, currency },
  detail: `${kind} of ${subject} is not in the ledger`,
  repair: { service: 'payment', path: `payments/${paymentId}/bookings` },
});

/** The trial balance: what no single order can show. */
export function trialBalance(accounts: readonly { account: string; currency: string; debit: number; credit: number }[]): Finding[] {
  const sums = new Map<string, number>();
  for (const { currency, debit, credit } of accounts) sums.set(currency, (sums.get(currency) ?? 0) + debit - credit);
  return [...sums]
    .filter(([, difference]) => difference !== 0)
    .map(([currency, difference]) => ({
      kind: 'LEDGER_UNBALANCED',
      subject: `ledger ${currency}`,
      amount: { amount: Math.abs(difference), currency },
      detail: `all accounts in ${currency}: debits and credits differ by ${Math.abs(difference)}`,
    }));
}
