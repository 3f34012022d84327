import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { ProductRow, SettlementRow } from '@ballast/contracts';
import { keysOf } from '../src/rules/money.js';
import type { Sale } from '../src/sale.js';

/** Books as one writes them by hand: everything may be changed. */
export type Draft = { -readonly [K in keyof Sale]: Sale[K] } & { operations: SettlementRow[] };

export const NOW = Date.now();
export const GRACE = 20_000;
export const EUR = (amount: number) => ({ amount, currency: 'EUR' });

/** A UUIDv7 of that time. */
export function idAt(time: number): string {
  const hex = time.toString(16).padStart(12, '0');
  const rest = randomUUID();
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${rest.slice(15)}`;
}

export type End = 'CONFIRMED' | 'OUT_OF_STOCK' | 'PAYMENT_DECLINED' | 'VOIDED' | 'RUNNING' | 'ACCEPTED';

export interface Story {
  end: End;
  items: { sku: string; quantity: number }[];
  total: number;
  /** What was given back, part by part; of a confirmed order. */
  refunds: { amount: number; status: 'SUCCEEDED' | 'REVERSED' }[];
  age: number;
}

/** The books of an order that went well, or was refused in the right way. */
export function sale({ end, items, total, refunds, age }: Partial<Story> & { end: End }): Draft {
  const time = NOW - (age ?? 3_600_000);
  const at = new Date(time).toISOString();
  const orderId = idAt(time);
  const cartId = randomUUID();
  const lines = items ?? [{ sku: 'lamp', quantity: 2 }];
  const price = EUR(total ?? 500);
  const running = end === 'RUNNING' || end === 'ACCEPTED';
  const status = end === 'CONFIRMED' ? 'CONFIRMED' : running ? 'PENDING' : 'REJECTED';
  const open = { orderId, cartId, status: 'CHECKING_OUT' as const };
  if (end === 'ACCEPTED') return { orderId, operations: [], cart: open };

  const base: Draft = {
    orderId,
    order: {
      ...{ orderId, cartId, status, reason: status === 'REJECTED' ? 'REFUSED' : null, total: price, items: lines, createdAt: at },
      endedAt: running ? null : at,
      saga: { status: running ? 'RUNNING' : status === 'CONFIRMED' ? 'COMPLETED' : 'COMPENSATED' },
    },
    operations: [],
    reservation: {
      ...{ orderId, since: at, items: lines, refusal: null },
      state: end === 'CONFIRMED' ? 'COMMITTED' : running ? 'HELD' : 'RELEASED',
    },
    ...(end === 'CONFIRMED' && { cart: { ...open, status: 'CLOSED' } }),
    ...(running && { cart: open }),
  };
  if (end === 'OUT_OF_STOCK') return { ...base, reservation: { ...base.reservation!, refusal: 'OUT_OF_STOCK', items: [] } };

  const paymentId = randomUUID();
  const keys = keysOf({ paymentId });
  const captured = end === 'CONFIRMED' ? price.amount : 0;
  const paid = (refunds ?? []).map((refund) => ({ ...refund, refundId: randomUUID(), currency: 'EUR', createdAt: at }));
  const booking = (kind: 'CAPTURE' | 'REFUND' | 'REFUND_REVERSAL', reference: string, amount: number, debit: string, credit: string) => ({
    ...{ transactionId: randomUUID(), kind, reference, bookedAt: at },
    entries: [
      { account: debit, currency: 'EUR', debit: amount, credit: 0 },
      { account: credit, currency: 'EUR', debit: 0, credit: amount },
    ],
  });
  const operation = (key: string, kind: string, amount: number): SettlementRow => ({
    ...{ key, kind, amount: EUR(amount), target: kind === 'authorisation' ? null : keys.authorise, reference: orderId, at },
  });
  return {
    ...base,
    payment: {
      ...{ orderId, paymentId, amount: price.amount, captured, currency: 'EUR', updatedAt: at, asking: [], refunds: paid },
      refunded: paid.reduce((sum, { amount, status }) => sum + (status === 'REVERSED' ? 0 : amount), 0),
      status: end === 'CONFIRMED' ? 'CAPTURED' : end === 'PAYMENT_DECLINED' ? 'DECLINED' : running ? 'AUTHORISED' : 'VOIDED',
      ledger: [
        ...(captured > 0 ? [booking('CAPTURE', paymentId, captured, 'psp-receivable', 'sales')] : []),
        ...paid.map(({ refundId, amount }) => booking('REFUND', refundId, amount, 'refunds', 'psp-receivable')),
        ...paid.flatMap(({ refundId, amount, status }) =>
          status === 'REVERSED' ? [booking('REFUND_REVERSAL', refundId, amount, 'psp-receivable', 'refunds')] : [],
        ),
      ],
    },
    operations: [
      ...(end === 'CONFIRMED' || running ? [operation(keys.authorise, 'authorisation', price.amount)] : []),
      ...(end === 'CONFIRMED' ? [operation(keys.capture, 'capture', price.amount)] : []),
      ...(end === 'VOIDED' ? [operation(keys.void, 'cancellation', price.amount)] : []),
      ...paid.flatMap(({ refundId, amount, status }) => (status === 'SUCCEEDED' ? [operation(refundId, 'refund', amount)] : [])),
    ],
  };
}

/** Any order that is all right. Its refunds never pass its total. */
export const anySale: fc.Arbitrary<Draft> = fc
  .record({
    end: fc.constantFrom<End[]>('CONFIRMED', 'CONFIRMED', 'OUT_OF_STOCK', 'PAYMENT_DECLINED', 'VOIDED', 'RUNNING', 'ACCEPTED'),
    items: fc.array(fc.record({ sku: fc.constantFrom('lamp', 'desk', 'rope'), quantity: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 1,
      maxLength: 4,
    }),
    total: fc.integer({ min: 0, max: 100_000 }),
    shares: fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), status: fc.constantFrom('SUCCEEDED', 'REVERSED') }), {
      maxLength: 3,
    }),
    age: fc.integer({ min: 0, max: 7_200_000 }),
  })
  .map(({ end, items, total, shares, age }) => {
    let left = end === 'CONFIRMED' ? total : 0;
    const refunds = shares.flatMap(({ share, status }) => {
      const amount = Math.floor(left * share);
      if (amount === 0) return [];
      if (status === 'SUCCEEDED') left -= amount;
      return [{ amount, status: status as 'SUCCEEDED' | 'REVERSED' }];
    });
    // What has not been taken up by order yet is young.
    return sale({ end, items, total, refunds, age: end === 'ACCEPTED' ? age % GRACE : age });
  });

export const aProduct = (): ProductRow => ({ sku: 'lamp', onHand: 90, reserved: 3, received: 100, committed: 10, held: 3 });
