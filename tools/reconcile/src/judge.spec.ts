import fc from 'fast-check';
import { aProduct, anySale, EUR, GRACE, NOW, sale } from '../test/consistent.js';
import { defects } from '../test/defects.js';
import { judge } from './judge.js';
import { kindCodes, kinds, type KindCode } from './kinds.js';
import { trialBalance } from './rules/ledger.js';
import { product } from './rules/stock.js';
import type { Sale } from './sale.js';

const findingsOf = (books: Sale, now = NOW) => {
  const verdict = judge(books, now, GRACE);
  return verdict.judged ? verdict.findings : [];
};
/** Kinds that are a lost message. */
const LOST: KindCode[] = ['CART_WITHOUT_ORDER', 'CART_LEFT_CHECKING_OUT'];
const kindsOf = (books: Sale) => findingsOf(books).map(({ kind }) => kind);

describe('books that agree', () => {
  it('have no difference, whatever the story, and at any time of it', () => {
    fc.assert(
      fc.property(anySale, fc.integer({ min: 0, max: 60_000 }), (books, later) => {
        // A checkout that no order has taken up is a difference once it is old; it is never that old here.
        expect(findingsOf(books, books.order ? NOW + later : NOW)).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are judged: nothing is passed over because it is old', () => {
    for (const end of ['CONFIRMED', 'OUT_OF_STOCK', 'PAYMENT_DECLINED', 'VOIDED'] as const)
      expect([end, judge(sale({ end }), NOW, GRACE)]).toEqual([end, { judged: true, findings: [] }]);
  });
});

describe('a defect', () => {
  it.each(Object.entries(defects))('%s is found, and nothing else is', (kind, make) => {
    expect(kindsOf(make())).toEqual([kind]);
  });

  it('of every kind is tried here', () => {
    expect([...Object.keys(defects), 'STOCK_ON_HAND_DIFFERS', 'STOCK_RESERVED_DIFFERS'].sort()).toEqual([...kindCodes].sort());
  });

  it('has a repair if and only if its kind says so', () => {
    for (const [kind, make] of Object.entries(defects)) {
      const [finding] = findingsOf(make());
      expect([kind, finding!.repair !== undefined]).toEqual([kind, 'repair' in kinds[kind as KindCode]]);
    }
  });

  it('is found among any number of orders that are all right, and only it', () => {
    const which = fc.constantFrom(...(Object.entries(defects) as [KindCode, () => Sale][]));
    fc.assert(
      fc.property(fc.array(anySale, { maxLength: 20 }), which, (others, [kind, make]) => {
        const broken = make();
        const found = [...others, broken].flatMap((books) => findingsOf(books));
        expect(found.map((f) => [f.kind, f.orderId])).toEqual([[kind, broken.orderId]]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('what is in motion', () => {
  const kindsAt = (books: Sale, now: number) => findingsOf(books, now).map(({ kind }) => kind);

  it('is left alone while its saga runs', () => {
    const books = defects.RESERVATION_ORPHANED();
    books.order!.saga = { status: 'COMPENSATING' };
    expect(judge(books, NOW, GRACE)).toEqual({ judged: false });
  });

  it.each<[string, (books: ReturnType<typeof sale>, at: string) => unknown]>([
    ['the order ended', (s, at) => (s.order!.endedAt = at)],
    ['the payment changed', (s, at) => (s.payment!.updatedAt = at)],
    ['something was booked', (s, at) => (s.payment!.ledger[0]!.bookedAt = at)],
    ['the processor did something', (s, at) => (s.operations[0]!.at = at)],
    ['stock moved', (s, at) => (s.reservation!.since = at)],
  ])('is left alone for the grace after %s', (_, touch) => {
    const books = defects.CAPTURE_AMOUNT_DIFFERS();
    touch(books, new Date(NOW).toISOString());
    expect(judge(books, NOW + GRACE - 1, GRACE)).toEqual({ judged: false });
    expect(kindsAt(books, NOW + GRACE)).toEqual(['CAPTURE_AMOUNT_DIFFERS']);
  });

  it('is no difference of money while the processor is still to be asked', () => {
    const books = defects.REFUND_NOT_AT_PROCESSOR();
    books.payment!.asking = ['payment.refund'];
    expect(kindsOf(books)).toEqual([]);
  });

  it('is a checkout that order has not taken up, for the grace', () => {
    const accepted = sale({ end: 'ACCEPTED', age: GRACE - 1 });
    expect(judge(accepted, NOW, GRACE)).toEqual({ judged: false });
    expect(kindsAt(accepted, NOW + 1)).toEqual(['CART_WITHOUT_ORDER']);
  });

  it('says which message has to be lost for it to be a difference, by the key under which it was sent', () => {
    const { cart } = defects.CART_WITHOUT_ORDER();
    const messageOf = (books: Sale) => findingsOf(books)[0]!.message;
    expect(messageOf({ orderId: cart!.orderId, operations: [], cart: cart! })).toEqual({
      ...{ topic: 'cart.events', from: 'cart', to: 'order', key: cart!.cartId },
    });
    const waiting = defects.CART_LEFT_CHECKING_OUT();
    expect(messageOf(waiting)).toEqual({ topic: 'order.events', from: 'order', to: 'cart', key: waiting.orderId });
    for (const kind of Object.keys(defects) as (keyof typeof defects)[])
      expect([kind, messageOf(defects[kind]()) !== undefined]).toEqual([kind, LOST.includes(kind)]);
  });
});

describe('a saga that an operator has abandoned', () => {
  const abandoned = (books: ReturnType<typeof sale>) => {
    Object.assign(books.order!, {
      status: 'REJECTED',
      reason: 'ABANDONED',
      endedAt: books.order!.createdAt,
      saga: { status: 'ABANDONED' },
    });
    return books;
  };

  it('has ended: what it held is a difference, and is given back', () => {
    const books = abandoned(sale({ end: 'RUNNING' }));
    delete books.cart;
    expect(kindsOf(books)).toEqual(['AUTHORISATION_LEFT_OPEN', 'RESERVATION_ORPHANED']);
  });

  it('is no difference once nothing of it is left', () => {
    expect(kindsOf(abandoned(sale({ end: 'VOIDED' })))).toEqual([]);
  });
});

describe('what is at stake', () => {
  it('is what was taken too much, or the difference', () => {
    const amountOf = (kind: keyof typeof defects) => findingsOf(defects[kind]())[0]!.amount;
    expect(amountOf('CAPTURED_TWICE')).toEqual(EUR(500));
    expect(amountOf('CAPTURE_AMOUNT_DIFFERS')).toEqual(EUR(1));
    expect(amountOf('REFUNDS_EXCEED_CAPTURE')).toEqual(EUR(1));
    expect(amountOf('REJECTED_WITH_CAPTURE')).toEqual(EUR(500));
  });
});

describe('products and the trial balance', () => {
  it('agree, or are told apart', () => {
    expect(product(aProduct())).toEqual([]);
    expect(product({ ...aProduct(), onHand: 91 }).map(({ kind }) => kind)).toEqual(['STOCK_ON_HAND_DIFFERS']);
    expect(product({ ...aProduct(), reserved: 2 }).map(({ kind }) => kind)).toEqual(['STOCK_RESERVED_DIFFERS']);
    const account = (account: string, debit: number, credit: number) => ({ account, currency: 'EUR', debit, credit });
    expect(trialBalance([account('psp-receivable', 5, 0), account('sales', 0, 5)])).toEqual([]);
    expect(trialBalance([account('psp-receivable', 5, 0), account('sales', 0, 4)])).toMatchObject([
      { kind: 'LEDGER_UNBALANCED', amount: EUR(1) },
    ]);
  });
});
