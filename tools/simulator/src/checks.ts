import { differences, type Books } from '@ballast/e2e/checker';
import { messages } from '@ballast/contracts';
import type { Clients } from './clients.js';
import type { Scenario } from './scenario.js';
import { SCARCE } from './scenario.js';
import { services } from './services.js';
import { accountOf, type Shop } from './shop.js';

/** A promise that was not kept. */
export interface Violation {
  check: CheckName;
  what: string;
}

type Check = (shop: Shop, clients: Clients, scenario: Scenario) => Iterable<string>;

const OUTBOX_LIMIT = 30_000;
const DECLINES: Readonly<Record<string, string>> = {
  tok_declined: 'PAYMENT_DECLINED',
  tok_insufficient_funds: 'INSUFFICIENT_FUNDS',
};

const checks = {
  /** Every checkout that was answered 202 has ended, CONFIRMED where its token, the stock and the deadlines allow it. */
  *final({ stores, tables }, { accepted, waiting, refused }, { faults, deadline }) {
    if (waiting) yield `${waiting} clients are still without an answer`;
    for (const { order, code } of refused) yield `order ${order.number} was refused: ${code}`;
    // An outage of the broker stops the clock by which deadlines run; of a participant, it does not.
    const mayTimeOut = deadline !== undefined || faults.some(({ kind, target }) => kind === 'long-outage' && target !== 'broker');
    for (const { order, orderId } of accepted) {
      const { status, reason } = stores.orders.orders.get(orderId) ?? {};
      const saga = tables.sagas.sagas.get(orderId)?.record.status;
      const end = `order ${order.number}: ${status ?? 'not there'}${reason ? ` ${reason}` : ''}, its saga ${saga ?? 'not there'}`;
      const decline = DECLINES[order.token];
      const mayBeRejected =
        reason === decline ||
        (reason === 'OUT_OF_STOCK' && order.items.some(({ sku }) => sku === SCARCE)) ||
        (mayTimeOut && reason === 'TIMED_OUT');
      if (status === 'CONFIRMED' ? saga !== 'COMPLETED' || decline : status !== 'REJECTED' || saga !== 'COMPENSATED' || !mayBeRejected)
        yield end;
    }
  },

  /** The same books that are compared after a crash of the real platform: each confirmed order is paid once and shipped once. */
  *books(shop, clients) {
    const allowed = new Set(clients.accepted.map(({ orderId }) => `order ${orderId}: REJECTED`));
    for (const line of differences(booksOf(shop, clients)))
      // Whether it had to be confirmed is for `final` to say.
      if (![...allowed].some((rejected) => line.startsWith(rejected)) && !/^order \S+: PENDING$/.test(line)) yield line;
  },

  /** What is given back never passes what was taken, and payment and the processor say the same. */
  *refunds({ stores }, { refunded, accepted }) {
    const numbers = new Map(accepted.map(({ order, orderId }) => [orderId, order.number]));
    for (const payment of stores.payments.payments.values()) {
      const order = `order ${numbers.get(payment.orderId)}`;
      const atPsp = stores.operations.operations.get(`${payment.id}:authorise`);
      if (payment.refunded > payment.captured) yield `${order}: ${payment.refunded} refunded of ${payment.captured}`;
      if ((atPsp?.refunded ?? 0) !== payment.refunded)
        yield `${order}: payment refunded ${payment.refunded}, the processor ${atPsp?.refunded ?? 0}`;
      if ((atPsp?.captured ?? 0) !== payment.captured)
        yield `${order}: payment captured ${payment.captured}, the processor ${atPsp?.captured ?? 0}`;
      const told = refunded.get(payment.orderId) ?? 0;
      if (told !== payment.refunded) yield `${order}: the merchant was told ${told} is given back, payment says ${payment.refunded}`;
    }
  },

  /** No money is held for an order that came to nothing. */
  *holds({ stores }) {
    for (const payment of stores.payments.payments.values()) {
      const atPsp = stores.operations.operations.get(`${payment.id}:authorise`);
      if (payment.status !== 'CAPTURED' && atPsp?.state === 'succeeded')
        yield `the processor still holds ${atPsp.amount} of payment ${payment.id}, which is ${payment.status}`;
    }
  },

  /** Nothing is sold twice or held for nobody. */
  *stock({ stores, initialStock }, { accepted }) {
    const sold = new Map<string, number>();
    for (const { order, orderId } of accepted)
      if (stores.orders.orders.get(orderId)?.status === 'CONFIRMED')
        for (const { sku, quantity } of order.items) sold.set(sku, (sold.get(sku) ?? 0) + quantity);
    for (const { sku, reserved, onHand } of stores.reservations.products.values()) {
      const expected = initialStock.get(sku)! - (sold.get(sku) ?? 0);
      if (onHand !== expected) yield `${sku}: ${onHand} pieces on hand, ${expected} by what was sold`;
      if (reserved !== 0) yield `${sku}: ${reserved} pieces are still reserved`;
      if (onHand < 0) yield `${sku}: ${onHand} on hand`;
    }
    for (const { orderId, state } of stores.reservations.reservations.values())
      if (state === 'HELD') yield `the reservation of order ${orderId} is still held`;
  },

  /** Debits equal credits, and the accounts say what the payments say. */
  *ledger({ stores }) {
    const sum = (account: string, side: 'debit' | 'credit') =>
      [...stores.ledger.entries.values()].reduce((total, entry) => total + (entry.account === account ? entry[side] : 0), 0);
    let [captured, refunded] = [0, 0];
    for (const payment of stores.payments.payments.values()) {
      captured += payment.captured;
      refunded += payment.refunded;
    }
    const sales = sum('sales', 'credit') - sum('sales', 'debit');
    const back = sum('refunds', 'debit') - sum('refunds', 'credit');
    const owed = sum('psp-receivable', 'debit') - sum('psp-receivable', 'credit');
    if (sales !== captured) yield `the ledger has sales of ${sales}, payments were captured for ${captured}`;
    if (back !== refunded) yield `the ledger has refunds of ${back}, payments were refunded for ${refunded}`;
    if (owed !== sales - back) yield `the ledger does not balance: the processor owes ${owed} of ${sales} less ${back}`;
  },

  /** A cart is open again after a rejection and closed after a confirmation. */
  *carts({ stores }, { accepted }) {
    for (const { order, orderId } of accepted) {
      const { status } = stores.orders.orders.get(orderId) ?? {};
      const cart = stores.carts.of(accountOf(order.number));
      const expected = status === 'CONFIRMED' ? 'CLOSED' : status === 'REJECTED' ? 'OPEN' : 'CHECKING_OUT';
      if (cart?.status !== expected) yield `order ${order.number} is ${status}, its cart ${cart?.status}`;
    }
  },

  /** What was written down to be sent is sent soon. */
  *outbox({ tables, world }) {
    for (const [service, { outbox }] of Object.entries(tables.messaging))
      for (const { record, createdAt } of outbox.values())
        if (world.date - createdAt > OUTBOX_LIMIT)
          yield `${service}: ${record.headers['ce_type']} of ${record.key} has been in the outbox for ${Math.round((world.date - createdAt) / 1000)} s`;
  },

  /** Each message has its effect once with everybody who reads it, and each outcome of a call is written once. */
  *once({ effects, broker }) {
    for (const [place, times] of effects.effects) if (times > 1) yield `${place} took effect ${times} times`;
    for (const [id, times] of effects.settled) if (times > 1) yield `intent ${id} was settled ${times} times`;
    for (const service of services) {
      const topics = new Set(broker.groups.get(service)?.topics);
      for (const { id, topic, type, key } of effects.published.values())
        if (topics.has(topic) && reads(service, type) && !effects.effects.has(`${service}/${id}`))
          yield `${type} of ${key} never took effect at ${service}`;
    }
    for (const place of effects.effects.keys()) {
      const id = place.slice(place.indexOf('/') + 1);
      if (!effects.published.has(id)) yield `${place} took effect and was never committed by its sender`;
    }
  },

  /** The messages of a key take effect in the order in which they were committed. */
  *order({ effects }) {
    const places = new Map([...effects.published.keys()].map((id, place) => [id, place]));
    for (const [lane, ids] of effects.order) {
      let last = -1;
      for (const id of ids) {
        const place = places.get(id)!;
        if (place < last) yield `${lane}: ${effects.published.get(id)!.type} took effect after a later message`;
        last = Math.max(last, place);
      }
    }
  },
} satisfies Record<string, Check>;

export type CheckName = keyof typeof checks;
export const checkNames = Object.keys(checks) as CheckName[];

export function violations(shop: Shop, clients: Clients, scenario: Scenario): Violation[] {
  return checkNames.flatMap((check) => [...checks[check](shop, clients, scenario)].map((what) => ({ check, what })));
}

const readers = new Map<string, Set<string>>([
  ['cart', new Set(['inventory.product-changed.v1', 'order.confirmed.v1', 'order.rejected.v1'])],
  ['order', new Set(['cart.checked-out.v1'])],
]);
for (const { type, kind, service } of messages) if (kind === 'command') readers.set(service, (readers.get(service) ?? new Set()).add(type));

const reads = (service: string, type: string): boolean =>
  (readers.get(service)?.has(type) ?? false) || (service === 'order' && type.endsWith('.reply'));

function booksOf({ stores, tables }: Shop, { accepted }: Clients): Books {
  const entries = [...stores.ledger.entries.values()];
  const orders = [...stores.orders.orders.values()];
  return {
    // Baskets here have several lines, which these books do not know: `stock` counts the pieces.
    accepted: accepted.map(({ orderId }) => ({ orderId, sku: '', quantity: 0 })),
    orders: orders.map(({ id, status, reason, total }) => ({ orderId: id, status, ...(reason && { reason }), total: total.amount })),
    payments: [...stores.payments.payments.values()].map(({ orderId, id, captured }) => ({ orderId, paymentId: id, captured })),
    settlement: [...stores.operations.operations.values()]
      .filter(({ state }) => state === 'succeeded')
      .map(({ key, kind, state, amount, currency }) => ({
        key,
        kind: kind!,
        state,
        amount: { amount, currency: currency! },
      })) as Books['settlement'],
    stock: [],
    ledger: { balanced: true, accounts: entries.map(({ debit, credit }) => ({ debit, credit })) },
    deadLetters: Object.entries(tables.messaging).map(([service, { letters }]) => ({ service, open: letters.size, ever: letters.size })),
  };
}
