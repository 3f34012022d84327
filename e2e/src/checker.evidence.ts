import { by } from './checker.grouping.js';
import { handlingOf, messagesOf } from './checker.messages.js';

/**
 * What was read from every database, every topic and the processor's own tables. Rows as they are: nothing here was asked of a
 * service. Amounts in minor units.
 */
export interface Evidence {
  /** Checkouts that were answered 202, with the token they paid by. */
  accepted: { orderId: string; token: string; sku: string; quantity: number }[];
  /** Refunds that were answered 201, each once, however often it was asked for with its key. */
  refunds: { orderId: string; amount: number }[];
  orders: { id: string; status: string; total: number }[];
  sagas: { id: string; status: string }[];
  payments: { id: string; orderId: string; status: string; captured: number; refunded: number }[];
  /** The processor's. `reference` is the order. */
  operations: { key: string; kind: string; state: string; target: string | null; reference: string | null; amount: number }[];
  ledger: { account: string; debit: number; credit: number }[];
  stock: { sku: string; initial: number; onHand: number; reserved: number }[];
  reservations: { orderId: string; state: string }[];
  carts: { id: string; status: string; orderId: string | null }[];
  /** The longest that a row was seen in an outbox, of the time that all services ran; seconds. */
  waits: { service: string; seconds: number }[];
  /** Outbox rows that were set aside. */
  parkedRows: { service: string; id: string }[];
  /** Rows that committed, by a trigger on each outbox; `id` is in the order of commits within a key. */
  written: { service: string; id: string; topic: string; key: string; messageId: string }[];
  /** Every record of every topic, in the order of the partition. */
  records: { topic: string; partition: number; offset: string; key: string; messageId: string; type: string }[];
  inbox: { service: string; topic: string; type: string; messageId: string }[];
  /** Messages that a consumer noted as received, in the transaction of their effect, by a trigger on each inbox; `id` is in the order of handling. */
  received: { service: string; id: string; messageId: string }[];
  /**
   * Messages whose handler's work was committed, once for each time, by the log: handlers are idempotent, so a second run without a second
   * inbox row leaves nothing in a database.
   */
  handled: { service: string; messageId: string }[];
  deadLetters: { service: string; id: string; reason: string }[];
  parkedKeys: { service: string; key: string }[];
  /** Calls outside that are not done. */
  intents: { id: string; state: string }[];
}

export interface Finding {
  kind: 'lost' | 'doubled' | 'reordered' | 'wrong';
  what: string;
}

/** Seconds an outbox row may wait. */
const OUTBOX_AGE = 30;
const REFUSED = new Set(['tok_declined', 'tok_insufficient_funds', 'tok_capture_declined']);
/** Payments that hold nothing and never will. */
const GIVEN_UP = new Set(['DECLINED', 'VOIDED']);

/** Everything that contradicts "each accepted order ended, each message once and in order, each cent once". Empty when all is well. */
export function findings(e: Evidence): Finding[] {
  return [...ordersOf(e), ...moneyOf(e), ...heldOf(e), ...stockOf(e), ...messagesOf(e), ...handlingOf(e), ...leftOvers(e)];
}

function* ordersOf({ accepted, orders, sagas, carts }: Evidence): Generator<Finding> {
  const order = by(orders, (o) => o.id);
  const saga = by(sagas, (s) => s.id);
  for (const { orderId, token } of accepted) {
    const found = order.get(orderId)?.[0];
    const expected = REFUSED.has(token) ? 'REJECTED' : 'CONFIRMED';
    if (!found) yield { kind: 'lost', what: `order ${orderId}: accepted, and not there` };
    else if (found.status !== expected)
      yield { kind: found.status === 'PENDING' ? 'lost' : 'wrong', what: `order ${orderId} (${token}): ${found.status}, not ${expected}` };
    const status = saga.get(orderId)?.[0]?.status;
    const end = expected === 'CONFIRMED' ? 'COMPLETED' : 'COMPENSATED';
    if (found && status !== end) yield { kind: 'wrong', what: `order ${orderId}: its saga is ${status ?? 'not there'}, not ${end}` };
  }
  for (const [orderId, times] of by(accepted, (a) => a.orderId))
    if (times.length > 1) yield { kind: 'doubled', what: `order ${orderId}: accepted ${times.length} times` };
  const told = new Set(accepted.map((a) => a.orderId));
  for (const { id } of orders) if (!told.has(id)) yield { kind: 'doubled', what: `order ${id}: nobody was told of it` };
  for (const { id, status } of carts)
    if (status === 'CHECKING_OUT') yield { kind: 'lost', what: `cart ${id} waits for the end of its order` };
  const closed = by(
    carts.filter(({ status }) => status === 'CLOSED'),
    (c) => c.orderId ?? '',
  );
  for (const { id, status } of orders) {
    const times = closed.get(id)?.length ?? 0;
    if (times !== (status === 'CONFIRMED' ? 1 : 0)) yield { kind: 'wrong', what: `order ${id} (${status}): ${times} carts closed` };
  }
}

function* moneyOf({ refunds, orders, payments, operations, ledger }: Evidence): Generator<Finding> {
  const paid = by(payments, (p) => p.orderId);
  const promised = by(refunds, (r) => r.orderId);
  const done = operations.filter(({ state }) => state === 'succeeded');
  const acts = by(done, (o) => o.target ?? '');
  const authorised = by(
    done.filter(({ kind }) => kind === 'authorisation'),
    (o) => o.reference ?? '',
  );
  const total = (of: { amount: number }[]) => of.reduce((sum, { amount }) => sum + amount, 0);
  for (const { id, status, total: price } of orders) {
    const due = status === 'CONFIRMED' ? price : 0;
    const own = paid.get(id) ?? [];
    const captured = own.reduce((sum, p) => sum + p.captured, 0);
    if (captured !== due) yield { kind: captured > due ? 'doubled' : 'lost', what: `order ${id}: payment captured ${captured} of ${due}` };
    const held = authorised.get(id) ?? [];
    if (held.length > 1) yield { kind: 'doubled', what: `order ${id}: the processor authorised it ${held.length} times` };
    const settled = held.flatMap(({ key }) => acts.get(key) ?? []);
    const atPsp = total(settled.filter(({ kind }) => kind === 'capture'));
    if (atPsp !== due) yield { kind: atPsp > due ? 'doubled' : 'lost', what: `order ${id}: the processor captured ${atPsp} of ${due}` };
    const refunded = own.reduce((sum, p) => sum + p.refunded, 0);
    const refundedAtPsp = total(settled.filter(({ kind }) => kind === 'refund'));
    if (refunded > captured) yield { kind: 'wrong', what: `order ${id}: refunded ${refunded} of ${captured}` };
    const asked = total(promised.get(id) ?? []);
    if (refunded !== asked)
      yield {
        kind: refunded > asked ? 'doubled' : 'lost',
        what: `order ${id}: payment refunded ${refunded}, the merchant was told of ${asked}`,
      };
    if (refunded !== refundedAtPsp)
      yield { kind: 'wrong', what: `order ${id}: payment refunded ${refunded}, the processor ${refundedAtPsp}` };
  }
  const debit = ledger.reduce((sum, l) => sum + l.debit, 0);
  const credit = ledger.reduce((sum, l) => sum + l.credit, 0);
  if (debit !== credit) yield { kind: 'wrong', what: `the ledger does not balance: ${debit} and ${credit}` };
  const sold = ledger.filter(({ account }) => account === 'sales').reduce((sum, l) => sum + l.credit - l.debit, 0);
  const taken = payments.reduce((sum, p) => sum + p.captured, 0);
  if (sold !== taken)
    yield { kind: sold > taken ? 'doubled' : 'lost', what: `the ledger has sales of ${sold}, payments captured ${taken}` };
}

/** Nobody is left to give it back: the saga has ended. */
function* heldOf({ orders, payments, operations }: Evidence): Generator<Finding> {
  const paid = by(payments, (p) => p.orderId);
  // One that was cancelled is no longer `succeeded`.
  const authorised = by(
    operations.filter(({ kind, state }) => kind === 'authorisation' && state === 'succeeded'),
    (o) => o.reference ?? '',
  );
  for (const { id } of orders.filter(({ status }) => status === 'REJECTED')) {
    for (const { status } of paid.get(id) ?? [])
      if (!GIVEN_UP.has(status)) yield { kind: 'wrong', what: `order ${id}: held for a rejected order, payment is ${status}` };
    for (const { amount } of authorised.get(id) ?? [])
      yield { kind: 'wrong', what: `order ${id}: held for a rejected order, the processor has ${amount}` };
  }
}

function* stockOf({ accepted, orders, stock, reservations }: Evidence): Generator<Finding> {
  const confirmed = new Set(orders.filter(({ status }) => status === 'CONFIRMED').map(({ id }) => id));
  for (const { sku, initial, onHand, reserved } of stock) {
    const sold = accepted.reduce((sum, a) => sum + (a.sku === sku && confirmed.has(a.orderId) ? a.quantity : 0), 0);
    const gone = initial - onHand;
    if (gone !== sold) yield { kind: gone > sold ? 'doubled' : 'lost', what: `${sku}: ${gone} pieces gone, ${sold} sold` };
    if (reserved) yield { kind: 'lost', what: `${sku}: ${reserved} pieces are still held` };
  }
  for (const { orderId, state } of reservations)
    if (state !== (confirmed.has(orderId) ? 'COMMITTED' : 'RELEASED'))
      yield { kind: 'wrong', what: `order ${orderId}: its stock is ${state}` };
}

function* leftOvers({ waits, parkedRows, deadLetters, parkedKeys, intents }: Evidence): Generator<Finding> {
  if (!waits.length) yield { kind: 'wrong', what: 'nobody saw how long outbox rows wait' };
  for (const { service, seconds } of waits)
    if (seconds > OUTBOX_AGE) yield { kind: 'wrong', what: `${service}: an outbox row waited for ${Math.round(seconds)} s` };
  for (const { service, id } of parkedRows) yield { kind: 'lost', what: `${service}: outbox row ${id} is parked` };
  for (const { service, id, reason } of deadLetters) yield { kind: 'wrong', what: `${service}: dead letter ${id} (${reason})` };
  for (const { service, key } of parkedKeys) yield { kind: 'wrong', what: `${service}: key ${key} is parked` };
  for (const { id, state } of intents) yield { kind: 'lost', what: `intent ${id} is ${state}` };
}
