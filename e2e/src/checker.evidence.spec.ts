import { type Evidence, type Finding, findings } from './checker.evidence.js';

/** Orders of 500: one that was bought, one that was declined, one that was authorised and not captured; and the messages of the first. */
const evidence = (): Evidence => ({
  accepted: [
    { orderId: 'o1', token: 'tok_ok', sku: 'mug', quantity: 1 },
    { orderId: 'o2', token: 'tok_declined', sku: 'mug', quantity: 1 },
    { orderId: 'o3', token: 'tok_capture_declined', sku: 'mug', quantity: 1 },
  ],
  refunds: [{ orderId: 'o1', amount: 100 }],
  orders: [
    { id: 'o1', status: 'CONFIRMED', total: 500 },
    { id: 'o2', status: 'REJECTED', total: 500 },
    { id: 'o3', status: 'REJECTED', total: 500 },
  ],
  sagas: [
    { id: 'o1', status: 'COMPLETED' },
    { id: 'o2', status: 'COMPENSATED' },
    { id: 'o3', status: 'COMPENSATED' },
  ],
  payments: [
    { id: 'p1', orderId: 'o1', status: 'CAPTURED', captured: 500, refunded: 100 },
    { id: 'p2', orderId: 'o2', status: 'DECLINED', captured: 0, refunded: 0 },
    { id: 'p3', orderId: 'o3', status: 'VOIDED', captured: 0, refunded: 0 },
  ],
  operations: [
    { key: 'p1:a', kind: 'authorisation', state: 'succeeded', target: null, reference: 'o1', amount: 500 },
    { key: 'p1:c', kind: 'capture', state: 'succeeded', target: 'p1:a', reference: 'o1', amount: 500 },
    { key: 'r1', kind: 'refund', state: 'succeeded', target: 'p1:a', reference: 'o1', amount: 100 },
    { key: 'p2:a', kind: 'authorisation', state: 'failed', target: null, reference: 'o2', amount: 500 },
    { key: 'p3:a', kind: 'authorisation', state: 'cancelled', target: null, reference: 'o3', amount: 500 },
    { key: 'p3:c', kind: 'capture', state: 'failed', target: 'p3:a', reference: 'o3', amount: 500 },
    { key: 'p3:v', kind: 'cancellation', state: 'succeeded', target: 'p3:a', reference: 'o3', amount: 500 },
  ],
  ledger: [
    { account: 'psp-receivable', debit: 500, credit: 100 },
    { account: 'sales', debit: 0, credit: 500 },
    { account: 'refunds', debit: 100, credit: 0 },
  ],
  stock: [{ sku: 'mug', initial: 10, onHand: 9, reserved: 0 }],
  reservations: [
    { orderId: 'o1', state: 'COMMITTED' },
    { orderId: 'o2', state: 'RELEASED' },
    { orderId: 'o3', state: 'RELEASED' },
  ],
  carts: [
    { id: 'c1', status: 'CLOSED', orderId: 'o1' },
    { id: 'c2', status: 'OPEN', orderId: null },
  ],
  waits: [{ service: 'order', seconds: 30 }],
  parkedRows: [],
  written: [
    { service: 'order', id: '9', topic: 't', key: 'k', messageId: 'm1' },
    { service: 'order', id: '10', topic: 't', key: 'k', messageId: 'm2' },
  ],
  // m1 a second time: its relay was killed before it could mark it.
  records: ['m1', 'm1', 'm2', 'm1'].map((messageId, n) => ({
    ...{ topic: 't', partition: 0, offset: String(n), key: 'k', messageId, type: 'thing.v1' },
  })),
  inbox: ['m1', 'm2'].map((messageId) => ({ service: 'cart', topic: 't', type: 'thing.v1', messageId })),
  received: ['m1', 'm2'].map((messageId, n) => ({ service: 'cart', id: String(n + 9), messageId })),
  handled: ['m1', 'm2'].map((messageId) => ({ service: 'cart', messageId })),
  deadLetters: [],
  parkedKeys: [],
  intents: [],
});

it('finds nothing where all is well', () => {
  expect(findings(evidence())).toEqual([]);
});

it('asks for no order between the messages of two services', () => {
  const e = evidence();
  e.written.push({ service: 'payment', id: '1', topic: 't', key: 'k', messageId: 'm3' });
  e.records.push({ ...e.records[0]!, offset: '4', messageId: 'm3' });
  e.inbox.push({ service: 'cart', topic: 't', type: 'thing.v1', messageId: 'm3' });
  e.received.unshift({ service: 'cart', id: '8', messageId: 'm3' });
  expect(findings(e)).toEqual([]);
});

it('asks for no order between the consumers of a topic, nor for a message that a consumer does not take', () => {
  const e = evidence();
  e.inbox.push({ service: 'order', topic: 't', type: 'other.v1', messageId: 'm2' });
  e.received.push({ service: 'order', id: '1', messageId: 'm2' });
  expect(findings(e)).toEqual([]);
});

it.each<[string, (e: Evidence) => unknown, [Finding['kind'], string]]>([
  ['an order that is not there', (e) => e.orders.shift(), ['lost', 'order o1: accepted, and not there']],
  ['an order that hangs', (e) => (e.orders[0]!.status = 'PENDING'), ['lost', 'order o1 (tok_ok): PENDING, not CONFIRMED']],
  ['a good order that was rejected', (e) => (e.orders[0]!.status = 'REJECTED'), ['wrong', 'order o1 (tok_ok): REJECTED, not CONFIRMED']],
  [
    'a declined one that was confirmed',
    (e) => (e.orders[1]!.status = 'CONFIRMED'),
    ['wrong', 'order o2 (tok_declined): CONFIRMED, not REJECTED'],
  ],
  ['a saga that stands still', (e) => (e.sagas[0]!.status = 'STUCK'), ['wrong', 'order o1: its saga is STUCK, not COMPLETED']],
  ['an order that was accepted twice', (e) => e.accepted.push(e.accepted[0]!), ['doubled', 'order o1: accepted 2 times']],
  ['an order nobody was told of', (e) => e.accepted.pop(), ['doubled', 'order o3: nobody was told of it']],
  ['a cart that stays closed', (e) => (e.carts[1]!.status = 'CHECKING_OUT'), ['lost', 'cart c2 waits for the end of its order']],
  ['a cart that did not close', (e) => e.carts.shift(), ['wrong', 'order o1 (CONFIRMED): 0 carts closed']],
  ['a capture that payment forgot', (e) => (e.payments[0]!.captured = 400), ['lost', 'order o1: payment captured 400 of 500']],
  [
    'a second capture',
    (e) => e.operations.push({ ...e.operations[1]!, key: 'p1:c2' }),
    ['doubled', 'order o1: the processor captured 1000 of 500'],
  ],
  [
    'a second authorisation',
    (e) => e.operations.push({ ...e.operations[0]!, key: 'p1:a2' }),
    ['doubled', 'order o1: the processor authorised it 2 times'],
  ],
  ['a capture for nothing', (e) => (e.payments[1]!.captured = 500), ['doubled', 'order o2: payment captured 500 of 0']],
  ['a refund past the capture', (e) => (e.payments[0]!.refunded = 501), ['wrong', 'order o1: refunded 501 of 500']],
  [
    'a refund twice',
    (e) => e.operations.push({ ...e.operations[2]!, key: 'r2' }),
    ['wrong', 'order o1: payment refunded 100, the processor 200'],
  ],
  [
    'a refund that was forgotten',
    (e) => (e.payments[0]!.refunded = 0),
    ['lost', 'order o1: payment refunded 0, the merchant was told of 100'],
  ],
  [
    'a refund that one key made twice',
    (e) => (e.payments[0]!.refunded = 200),
    ['doubled', 'order o1: payment refunded 200, the merchant was told of 100'],
  ],
  [
    'an authorisation that payment did not void',
    (e) => (e.payments[2]!.status = 'CAPTURE_REFUSED'),
    ['wrong', 'order o3: held for a rejected order, payment is CAPTURE_REFUSED'],
  ],
  [
    'an authorisation that the processor still has',
    (e) => (e.operations[4]!.state = 'succeeded'),
    ['wrong', 'order o3: held for a rejected order, the processor has 500'],
  ],
  ['a ledger out of balance', (e) => (e.ledger[0]!.debit = 499), ['wrong', 'the ledger does not balance: 599 and 600']],
  ['a sale that was booked twice', (e) => (e.ledger[1]!.credit = 1000), ['doubled', 'the ledger has sales of 1000, payments captured 500']],
  ['a piece gone twice', (e) => (e.stock[0]!.onHand = 8), ['doubled', 'mug: 2 pieces gone, 1 sold']],
  ['a piece not shipped', (e) => (e.stock[0]!.onHand = 10), ['lost', 'mug: 0 pieces gone, 1 sold']],
  ['a piece held for ever', (e) => (e.stock[0]!.reserved = 1), ['lost', 'mug: 1 pieces are still held']],
  ['stock of a rejected order', (e) => (e.reservations[1]!.state = 'HELD'), ['wrong', 'order o2: its stock is HELD']],
  ['a message that was marked and not sent', (e) => e.records.splice(2, 1), ['lost', 'order: outbox row 10 (m2) is not in t']],
  ['two messages of a key in another order', (e) => e.records.unshift(e.records[2]!), ['reordered', 't k: m2 came as number 1']],
  ['a key in two partitions', (e) => (e.records[2]!.partition = 1), ['reordered', 't k: in more than one partition']],
  ['a message nobody handled', (e) => e.inbox.pop(), ['lost', 'cart: thing.v1 m2 was never handled']],
  ['a message that was handled twice', (e) => e.handled.push(e.handled[0]!), ['doubled', 'cart m1 was handled 2 times']],
  [
    'a message that took effect twice: forgotten, and taken again',
    (e) => e.received.push({ ...e.received[0]!, id: '11' }),
    ['doubled', 'cart m1 took effect 2 times'],
  ],
  [
    'two messages of a key that were handled in another order',
    (e) => (e.received[1]!.id = '8'),
    ['reordered', 'cart: m2 of t k was handled as number 1'],
  ],
  ['an inbox that nobody watched', (e) => (e.received = []), ['wrong', 'cart: nobody saw when m1 took effect']],
  ['an outbox row that waited', (e) => (e.waits[0]!.seconds = 31), ['wrong', 'order: an outbox row waited for 31 s']],
  ['outboxes that nobody watched', (e) => (e.waits = []), ['wrong', 'nobody saw how long outbox rows wait']],
  ['a parked outbox row', (e) => e.parkedRows.push({ service: 'order', id: '9' }), ['lost', 'order: outbox row 9 is parked']],
  [
    'a dead letter',
    (e) => e.deadLetters.push({ service: 'cart', id: '1', reason: 'HANDLER_FAILED' }),
    ['wrong', 'cart: dead letter 1 (HANDLER_FAILED)'],
  ],
  ['a parked key', (e) => e.parkedKeys.push({ service: 'cart', key: 'k' }), ['wrong', 'cart: key k is parked']],
  ['a call that was never made', (e) => e.intents.push({ id: 'i1', state: 'PENDING' }), ['lost', 'intent i1 is PENDING']],
])('finds %s', (_, plant, [kind, what]) => {
  const planted = evidence();
  plant(planted);
  expect(findings(planted)).toContainEqual({ kind, what });
});
