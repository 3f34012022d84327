import { z } from 'zod';

/**
 * What each service says of itself to whoever compares: `GET /ops/v1/books/<book>` on its own port, for operators. A row is what one
 * service believes of one order; rows come in the order of the order's id, which every service knows, the processor as `reference`.
 */
export const BOOKS_PAGE = 500;
/** How many order ids a page may be asked for by. */
export const BOOKS_IDS = 100;

const amountOf = z.object({ amount: z.int(), currency: z.string() });
const line = z.object({ sku: z.string(), quantity: z.int() });
const at = z.iso.datetime({ offset: true });
/**
 * A time that is asked for. Nothing here is older than 1970, so since any earlier one, even one that Postgres cannot hold (the year 0),
 * means everything.
 */
export const moment = z.iso.datetime().transform((time) => new Date(Math.max(Date.parse(time), 0)).toISOString());

export const orderBook = z.object({
  orderId: z.string(),
  cartId: z.string(),
  status: z.enum(['PENDING', 'CONFIRMED', 'REJECTED']),
  reason: z.string().nullable(),
  total: amountOf,
  items: z.array(line),
  createdAt: at,
  endedAt: at.nullable(),
  /** `null`: no saga is known, not even an archived one. */
  saga: z
    .object({ status: z.enum(['RUNNING', 'COMPENSATING', 'COMPLETED', 'COMPENSATED', 'STUCK', 'ABANDONED']), step: z.string().optional() })
    .nullable(),
});

export const paymentBook = z.object({
  orderId: z.string(),
  paymentId: z.string(),
  status: z.enum(['PENDING', 'AUTHORISED', 'DECLINED', 'CAPTURING', 'CAPTURED', 'CAPTURE_REFUSED', 'VOIDED']),
  amount: z.int(),
  captured: z.int(),
  refunded: z.int(),
  /** `null`: an order that was voided before it was authorised. */
  currency: z.string().nullable(),
  updatedAt: at,
  /** Kinds of calls to the processor that are still to be made for it or one of its refunds. */
  asking: z.array(z.string()),
  refunds: z.array(
    z.object({
      refundId: z.string(),
      amount: z.int(),
      currency: z.string(),
      status: z.enum(['BOOKED', 'SUCCEEDED', 'REVERSED']),
      createdAt: at,
    }),
  ),
  ledger: z.array(
    z.object({
      transactionId: z.string(),
      kind: z.enum(['CAPTURE', 'REFUND', 'REFUND_REVERSAL']),
      /** The payment's id, or the refund's. */
      reference: z.string(),
      bookedAt: at,
      entries: z.array(z.object({ account: z.string(), currency: z.string(), debit: z.int(), credit: z.int() })),
    }),
  ),
});

/** What took effect at the processor, by its own books. */
export const settlementBook = z.object({
  key: z.string(),
  kind: z.string().nullable(),
  amount: amountOf.nullable(),
  /** The key of the operation it is about. */
  target: z.string().nullable(),
  /** The order's id, when it is one of ours. */
  reference: z.string().nullable(),
  at,
});

export const reservationBook = z.object({
  orderId: z.string(),
  state: z.enum(['HELD', 'COMMITTED', 'RELEASED']),
  refusal: z.string().nullable(),
  since: at,
  items: z.array(line),
});

export const productBook = z.object({
  sku: z.string(),
  onHand: z.int(),
  reserved: z.int(),
  /** Pieces that ever came in, less those that were taken out by hand: what the shelf held before any order took from it. */
  received: z.int(),
  /** Pieces of orders whose reservation is COMMITTED, and HELD. */
  committed: z.int(),
  held: z.int(),
});

export const cartBook = z.object({ orderId: z.string(), cartId: z.string(), status: z.enum(['CHECKING_OUT', 'CLOSED']) });

/** Orders of which a book has changed since a moment, in their order; `next` is what to ask for as `after`. The same for every book. */
export const touchedBook = z.object({ orderIds: z.array(z.string()), next: z.string().nullable() });
export const TOUCHED_PAGE = 5_000;

export type OrderRow = z.output<typeof orderBook>;
export type PaymentRow = z.output<typeof paymentBook>;
export type SettlementRow = z.output<typeof settlementBook>;
export type ReservationRow = z.output<typeof reservationBook>;
export type ProductRow = z.output<typeof productBook>;
export type CartRow = z.output<typeof cartBook>;

/** A page of a book; `next` is what to ask for as `after`. */
export const bookOf = <S extends z.ZodType>(row: S) => z.object({ items: z.array(row), next: z.string().nullable() });

/** The query of a book: the rows of the orders with these ids, or those of the orders after one, in the order of their ids. */
export const booksQuery = z.object({
  orderIds: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.uuid()).min(1).max(BOOKS_IDS))
    .optional(),
  after: z.uuid().optional(),
});
export type BooksQuery = z.output<typeof booksQuery>;

/**
 * The processor's references are text: an order's id when the operation is one of ours, anything when it is not. Several are separated by
 * commas, each encoded as a part of a URL.
 */
export const settlementQuery = z.object({
  orderIds: z
    .string()
    .transform((text) => text.split(',').map(decoded))
    .pipe(z.array(z.string().min(1).max(200)).min(1).max(BOOKS_IDS))
    .optional(),
  after: z.string().max(200).optional(),
});
export type SettlementQuery = z.output<typeof settlementQuery>;

export const touchedQuery = z.object({ since: moment, after: z.uuid().optional() });
export type TouchedQuery = z.output<typeof touchedQuery>;

/** Of the processor's references. */
export const settlementTouchedQuery = z.object({ since: moment, after: z.string().max(200).optional() });
export type SettlementTouchedQuery = z.output<typeof settlementTouchedQuery>;

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
