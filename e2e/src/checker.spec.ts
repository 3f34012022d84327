import { differences, type Books } from './checker.js';

const EUR = 'EUR';
/** Two orders of one sku, 3 pieces of 500 together, as they should be. */
const books = (): Books => ({
  accepted: [
    { orderId: 'order-1', sku: 'mug', quantity: 2 },
    { orderId: 'order-2', sku: 'mug', quantity: 1 },
  ],
  orders: [
    { orderId: 'order-1', status: 'CONFIRMED', total: 1000 },
    { orderId: 'order-2', status: 'CONFIRMED', total: 500 },
  ],
  payments: [
    { orderId: 'order-1', paymentId: 'payment-1', captured: 1000 },
    { orderId: 'order-2', paymentId: 'payment-2', captured: 500 },
  ],
  settlement: [authorised('payment-1', 1000), captured('payment-1', 1000), authorised('payment-2', 500), captured('payment-2', 500)],
  stock: [{ sku: 'mug', before: 10, now: 7 }],
  ledger: { balanced: true, accounts: [{ debit: 1500, credit: 0 }, { debit: 0, credit: 1500 }] }, // prettier-ignore
  deadLetters: [{ service: 'order', open: 0, ever: 0 }],
});
const captured = (paymentId: string, amount: number, key = `${paymentId}:capture`) => operation('capture', key, amount);
const authorised = (paymentId: string, amount: number) => operation('authorisation', `${paymentId}:authorise`, amount);
const operation = (kind: 'capture' | 'authorisation', key: string, amount: number) => ({
  ...{ kind, key, target: null, state: 'succeeded' },
  amount: { amount, currency: EUR },
});

it('finds nothing where the books agree', () => {
  expect(differences(books())).toEqual([]);
});

it.each<[string, (b: Books) => unknown, string[]]>([
  [
    'an order that was lost',
    (b) => (b.orders.pop(), b.payments.pop(), b.settlement.splice(2), (b.stock[0]!.now = 8)),
    ['order order-2: accepted, and not there'],
  ],
  ['an order twice', (b) => b.accepted.push(b.accepted[0]!), ['order order-1: accepted 2 times', 'mug: 3 pieces gone, 5 sold']],
  [
    'an order that hangs, though it was paid and shipped',
    (b) => (b.orders[1]!.status = 'PENDING'),
    [
      'order order-2: PENDING',
      'order order-2: payment captured 500 of 0',
      'order order-2: the processor captured [500] for 0',
      'mug: 3 pieces gone, 2 sold',
    ],
  ],
  [
    'an order an outage has rejected',
    (b) => (
      Object.assign(b.orders[1]!, { status: 'REJECTED', reason: 'TIMED_OUT' }),
      (b.payments[1]!.captured = 0),
      b.settlement.pop(),
      (b.stock[0]!.now = 8)
    ),
    ['order order-2: REJECTED (TIMED_OUT)'],
  ],
  ['a charge that payment does not know of', (b) => (b.payments[1]!.captured = 0), ['order order-2: payment captured 0 of 500']],
  ['a payment the processor does not know of', (b) => b.settlement.pop(), ['order order-2: the processor captured [] for 500']],
  [
    'a charge of another amount',
    (b) => (b.settlement[3] = captured('payment-2', 400)),
    ['order order-2: the processor captured [400] for 500'],
  ],
  [
    'a double charge, whatever its key',
    (b) => b.settlement.push(captured('payment-2', 500, 'payment-2:capture:2')),
    ['order order-2: the processor captured [500,500] for 500'],
  ],
  [
    'a second payment of an order',
    (b) => (b.payments.push({ orderId: 'order-2', paymentId: 'payment-3', captured: 500 }), b.settlement.push(captured('payment-3', 500))),
    ['order order-2: payment captured 1000 of 500', 'order order-2: the processor captured [500,500] for 500'],
  ],
  [
    'a charge for no order',
    (b) => b.settlement.push(captured('payment-9', 500)),
    ['the processor captured payment-9:capture, of an order nobody was told of'],
  ],
  ['a piece that was not shipped', (b) => (b.stock[0]!.now = 8), ['mug: 2 pieces gone, 3 sold']],
  ['a piece that is still held, or gone twice', (b) => (b.stock[0]!.now = 6), ['mug: 4 pieces gone, 3 sold']],
  ['a ledger that does not balance', (b) => (b.ledger.accounts[0]!.debit = 1), ['the ledger does not balance: 1 and 1500']],
  ['a ledger that says so itself', (b) => (b.ledger.balanced = false), ['the ledger does not balance: 1500 and 1500']],
  ['a dead letter', (b) => (b.deadLetters[0]!.open = 1), ['order: 1 dead letters open, 0 since it started']],
  ['a dead letter somebody dealt with', (b) => (b.deadLetters[0]!.ever = 1), ['order: 0 dead letters open, 1 since it started']],
  ['that nobody counts dead letters', (b) => (b.deadLetters = []), ['no service counts its dead letters']],
])('finds %s', (_, plant, found) => {
  const planted = books();
  plant(planted);
  expect(differences(planted)).toEqual(found);
});
