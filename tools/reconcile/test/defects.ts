import { randomUUID } from 'node:crypto';
import type { SettlementRow } from '@ballast/contracts';
import type { KindCode } from '../src/kinds.js';
import { keysOf } from '../src/rules/money.js';
import { type Draft, EUR, sale } from './consistent.js';

/** Books with one defect, as the fault that makes it would leave them. Products and the trial balance are no sale's: see judge.spec.ts. */
export const defects: Record<Exclude<KindCode, 'STOCK_ON_HAND_DIFFERS' | 'STOCK_RESERVED_DIFFERS'>, () => Draft> = {
  CAPTURE_NOT_IN_PAYMENT: () => change(confirmed(), (s) => Object.assign(s.payment!, { status: 'CAPTURING', captured: 0, ledger: [] })),
  CAPTURE_NOT_AT_PROCESSOR: () => change(confirmed(), (s) => drop(s, 'capture')),
  CAPTURE_AMOUNT_DIFFERS: () => change(confirmed(), (s) => (of(s, 'capture').amount = EUR(499))),
  CAPTURE_CURRENCY_DIFFERS: () => change(confirmed(), (s) => (of(s, 'capture').amount = { amount: 500, currency: 'USD' })),
  CAPTURED_TWICE: () => change(confirmed(), (s) => s.operations.push({ ...of(s, 'capture'), key: 'by-hand' })),
  CONFIRMED_WITHOUT_CAPTURE: () =>
    change(confirmed(), (s) => {
      drop(s, 'capture');
      Object.assign(s.payment!, { status: 'AUTHORISED', captured: 0, ledger: [] });
    }),
  REJECTED_WITH_CAPTURE: () =>
    change(confirmed(), (s) => {
      Object.assign(s.order!, { status: 'REJECTED', reason: 'TIMED_OUT', saga: { status: 'COMPENSATED' } });
      s.reservation!.state = 'RELEASED';
      delete s.cart;
    }),
  PAYMENT_TOTAL_DIFFERS: () => change(confirmed(), (s) => (s.order!.total = EUR(501))),
  AUTHORISATION_LEFT_OPEN: () =>
    change(sale({ end: 'VOIDED' }), (s) =>
      Object.assign(of(s, 'cancellation'), { key: keysOf(s.payment!).authorise, kind: 'authorisation' }),
    ),
  REFUND_NOT_AT_PROCESSOR: () => change(refunded(), (s) => drop(s, 'refund')),
  REFUND_NOT_SETTLED: () => change(refunded(), (s) => (s.payment!.refunds[0]!.status = 'BOOKED')),
  REFUND_NOT_IN_PAYMENT: () =>
    change(confirmed(), (s) => s.operations.push({ ...of(s, 'capture'), key: 'by-hand', kind: 'refund', amount: EUR(5) })),
  REFUND_AMOUNT_DIFFERS: () => change(refunded(), (s) => (of(s, 'refund').amount = EUR(99))),
  REFUND_REVERSED_BUT_PAID: () =>
    change(sale({ end: 'CONFIRMED', refunds: [{ amount: 100, status: 'REVERSED' }] }), (s) =>
      s.operations.push({ ...of(s, 'capture'), key: s.payment!.refunds[0]!.refundId, kind: 'refund', amount: EUR(100) }),
    ),
  REFUNDS_EXCEED_CAPTURE: () => change(refunded(), (s) => (of(s, 'refund').amount = EUR(501))),
  REFUNDED_TOTAL_DIFFERS: () => change(refunded(), (s) => (s.payment!.refunded = 0)),
  OPERATION_UNKNOWN: () => change(confirmed(), (s) => s.operations.push({ ...of(s, 'authorisation'), key: 'stranger' })),
  LEDGER_ENTRY_MISSING: () => change(confirmed(), (s) => (s.payment!.ledger = [])),
  LEDGER_ENTRY_DIFFERS: () =>
    change(confirmed(), (s) => s.payment!.ledger[0]!.entries.forEach((e) => Object.assign(e, e.debit ? { debit: 499 } : { credit: 499 }))),
  LEDGER_ENTRY_UNEXPECTED: () =>
    change(confirmed(), (s) => {
      const [booking] = s.payment!.ledger;
      s.payment!.ledger.push({ ...booking!, transactionId: randomUUID(), kind: 'REFUND', reference: randomUUID() });
    }),
  LEDGER_UNBALANCED: () => change(confirmed(), (s) => s.payment!.ledger[0]!.entries.pop()),
  RESERVATION_ORPHANED: () => change(sale({ end: 'VOIDED' }), (s) => (s.reservation!.state = 'HELD')),
  RESERVATION_OF_REJECTED: () => change(sale({ end: 'VOIDED' }), (s) => (s.reservation!.state = 'COMMITTED')),
  RESERVATION_MISSING: () => change(confirmed(), (s) => delete s.reservation),
  RESERVATION_LINES_DIFFER: () => change(confirmed(), (s) => (s.reservation!.items = [{ sku: 'lamp', quantity: 1 }])),
  CART_LEFT_CHECKING_OUT: () => change(confirmed(), (s) => (s.cart!.status = 'CHECKING_OUT')),
  CART_CLOSED_OF_REJECTED: () =>
    change(sale({ end: 'VOIDED' }), (s) => (s.cart = { orderId: s.orderId, cartId: s.order!.cartId, status: 'CLOSED' })),
  CART_WITHOUT_ORDER: () => sale({ end: 'ACCEPTED' }),
  PAYMENT_WITHOUT_ORDER: () => change(confirmed(), (s) => delete s.order),
  RESERVATION_WITHOUT_ORDER: () =>
    change(sale({ end: 'OUT_OF_STOCK' }), (s) => {
      delete s.order;
    }),
  ORDER_WITHOUT_SAGA: () => change(sale({ end: 'RUNNING' }), (s) => (s.order!.saga = null)),
  SAGA_STUCK: () => change(sale({ end: 'RUNNING' }), (s) => (s.order!.saga = { status: 'STUCK', step: 'commit stock' })),
  ORDER_AND_SAGA_DISAGREE: () => change(confirmed(), (s) => (s.order!.saga = { status: 'COMPENSATED' })),
};

const confirmed = () => sale({ end: 'CONFIRMED' });
const refunded = () => sale({ end: 'CONFIRMED', refunds: [{ amount: 100, status: 'SUCCEEDED' }] });
const of = (s: Draft, kind: string): SettlementRow => s.operations.find((operation) => operation.kind === kind)!;
const drop = (s: Draft, kind: string) => (s.operations = s.operations.filter((operation) => operation.kind !== kind));

function change(s: Draft, how: (s: Draft) => unknown): Draft {
  how(s);
  return s;
}
