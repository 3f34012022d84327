/** `page`: money or stock is wrong now and grows. `ticket`: it waits for the morning. */
export type Severity = 'page' | 'ticket';

export interface Kind {
  readonly severity: Severity;
  /** What is wrong, in one sentence. */
  readonly says: string;
  /** What the repair asks its owner to do. Missing: nobody may decide this but a person. */
  readonly repair?: string;
  /** Who decides, and what to look at; for a kind with a repair, when that did not help. */
  readonly escalates: string;
}

const kind = (severity: Severity, says: string, repair: string | undefined, escalates: string): Kind => ({
  severity,
  says,
  ...(repair && { repair }),
  escalates,
});

/** Every kind of difference there is, by its stable code. docs/guides/reconciliation.md shows this table; a test holds them together. */
export const kinds = {
  CAPTURE_NOT_IN_PAYMENT: kind(
    'page',
    'The processor took money and payment does not know',
    'payment reads the processor’s settlement again and books the capture',
    'Finance: the buyer has paid, find out what for',
  ),
  CAPTURE_NOT_AT_PROCESSOR: kind(
    'page',
    'Payment believes money was taken, the processor has not taken it',
    undefined,
    'Finance with the processor: the goods may be gone unpaid. Never captured again by a machine',
  ),
  CAPTURE_AMOUNT_DIFFERS: kind('page', 'Payment and the processor took different amounts', undefined, 'Finance with the processor'),
  CAPTURE_CURRENCY_DIFFERS: kind('page', 'Payment and the processor took different currencies', undefined, 'Finance with the processor'),
  CAPTURED_TWICE: kind(
    'page',
    'The processor took money for one order more than once',
    undefined,
    'Finance: give back at the processor what was taken under a key that payment does not know',
  ),
  CONFIRMED_WITHOUT_CAPTURE: kind(
    'page',
    'The order is CONFIRMED, nobody took money for it',
    undefined,
    'Finance: ask the buyer to pay, or write it off; support may stop the parcel',
  ),
  REJECTED_WITH_CAPTURE: kind(
    'page',
    'The order is REJECTED, and its money was taken and not given back',
    'payment refunds what is left of the capture',
    'Finance: refund by POST /payments/:id/refunds, or at the processor',
  ),
  PAYMENT_TOTAL_DIFFERS: kind('page', 'What was taken is not the order’s total', undefined, 'Finance: refund or claim the difference'),
  AUTHORISATION_LEFT_OPEN: kind(
    'ticket',
    'The processor still holds a buyer’s money for an order that came to nothing',
    'payment voids the authorisation',
    'Finance with the processor: a hold runs out by itself in days, the buyer calls before that',
  ),
  REFUND_NOT_AT_PROCESSOR: kind(
    'page',
    'A refund is in our books, the processor has not paid it',
    'payment asks the processor again, under the refund’s own key',
    'Finance: the buyer waits for the money; see why the processor refuses',
  ),
  REFUND_NOT_SETTLED: kind(
    'ticket',
    'The processor has paid a refund that payment still waits for',
    'payment asks the processor again, under the refund’s own key',
    'Payment’s team: why is the answer not written down',
  ),
  REFUND_NOT_IN_PAYMENT: kind(
    'page',
    'The processor gave back money under a key that payment does not know',
    undefined,
    'Finance: who paid it, by hand at the processor? Book it with them',
  ),
  REFUND_AMOUNT_DIFFERS: kind('page', 'Payment and the processor gave back different amounts', undefined, 'Finance with the processor'),
  REFUND_REVERSED_BUT_PAID: kind(
    'page',
    'Payment took a refund back in its books, the processor has paid it',
    undefined,
    'Finance: the ledger owes a refund; book it with them',
  ),
  REFUNDS_EXCEED_CAPTURE: kind('page', 'More was given back than was taken', undefined, 'Finance, at once: money leaves without a sale'),
  REFUNDED_TOTAL_DIFFERS: kind(
    'page',
    'A payment’s refunded total is not the sum of its refunds',
    undefined,
    'Payment’s team: the guard against refunding too much counts on it',
  ),
  OPERATION_UNKNOWN: kind(
    'page',
    'The processor did something under a key that no payment has',
    undefined,
    'Finance and security: somebody else uses our key, or a payment was lost',
  ),
  LEDGER_ENTRY_MISSING: kind(
    'page',
    'A capture, refund or reversal is not in the ledger',
    'payment books it now; what is written is never changed',
    'Finance: an entry by hand, with them',
  ),
  LEDGER_ENTRY_DIFFERS: kind(
    'page',
    'The ledger has another amount, currency or account than the payment or refund',
    undefined,
    'Finance: a reversal and a new entry, by hand; the ledger is append-only',
  ),
  LEDGER_ENTRY_UNEXPECTED: kind(
    'page',
    'The ledger has an entry for what did not happen',
    undefined,
    'Finance: a reversal, by hand; the ledger is append-only',
  ),
  LEDGER_UNBALANCED: kind(
    'page',
    'Debits and credits of a ledger transaction, or of all of them, are not equal',
    undefined,
    'Finance and payment’s team: the database refuses this, so a trigger is missing or was passed by',
  ),
  RESERVATION_ORPHANED: kind(
    'ticket',
    'Stock is held for an order that has ended',
    'inventory releases it, or commits it when the order is CONFIRMED',
    'Inventory’s team',
  ),
  RESERVATION_OF_REJECTED: kind(
    'ticket',
    'Stock has left the shelf for an order that is REJECTED',
    'inventory puts the pieces back on the shelf',
    'The warehouse: were they sent?',
  ),
  RESERVATION_MISSING: kind(
    'page',
    'An order is CONFIRMED and nothing was taken off the shelf for it',
    undefined,
    'The warehouse: is there a piece left? Else refund',
  ),
  RESERVATION_LINES_DIFFER: kind(
    'page',
    'Other pieces were taken off the shelf than the order has',
    undefined,
    'The warehouse: what was sent?',
  ),
  STOCK_ON_HAND_DIFFERS: kind(
    'ticket',
    'What is on hand is not what came in less what orders took',
    undefined,
    'The warehouse: count the shelf, then POST /ops/v1/repairs/products/:sku/counts with what was found',
  ),
  STOCK_RESERVED_DIFFERS: kind(
    'ticket',
    'What a product counts as reserved is not the sum of what is held',
    'inventory counts again what is held',
    'Inventory’s team',
  ),
  CART_LEFT_CHECKING_OUT: kind(
    'ticket',
    'The order has ended and its cart waits for it still',
    'order publishes again how it ended',
    'Cart’s team: its buyer cannot fill the basket',
  ),
  CART_CLOSED_OF_REJECTED: kind(
    'ticket',
    'The order was REJECTED and its cart was closed, the buyer’s items with it',
    undefined,
    'Support: the buyer lost a basket',
  ),
  CART_WITHOUT_ORDER: kind(
    'page',
    'A checkout was accepted and no order came of it: its event was lost',
    undefined,
    'Order’s team: it is in no outbox and in no open dead letter, so see whether somebody discarded it. The payment token is gone, so the buyer has to check out again',
  ),
  PAYMENT_WITHOUT_ORDER: kind(
    'page',
    'There is a payment for an order nobody knows',
    undefined,
    'Finance and order’s team: an order row was lost',
  ),
  RESERVATION_WITHOUT_ORDER: kind(
    'ticket',
    'Stock is held or gone for an order nobody knows',
    undefined,
    'Inventory’s and order’s team: an order row was lost, or a foreign command came in',
  ),
  ORDER_WITHOUT_SAGA: kind(
    'page',
    'An order is PENDING and nothing drives it',
    undefined,
    'Order’s team: its saga is gone; end the order by hand',
  ),
  SAGA_STUCK: kind('page', 'A saga cannot go on by itself', undefined, 'Whoever is on call: docs/runbooks/saga-stuck.md'),
  ORDER_AND_SAGA_DISAGREE: kind('page', 'An order ended otherwise than its saga', undefined, 'Order’s team'),
} as const satisfies Record<string, Kind>;

export type KindCode = keyof typeof kinds;
export const kindCodes = Object.keys(kinds) as KindCode[];
/** By the code alone, for what is read back from a register. */
export const kindOf = (code: string): Kind | undefined => (Object.hasOwn(kinds, code) ? kinds[code as KindCode] : undefined);
