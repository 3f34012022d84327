import { Books, FREE } from '../test/books.js';
import { sale } from '../test/consistent.js';
import { defects } from '../test/defects.js';
import { CannotReconcileError } from './errors.js';
import { Library } from './library.js';
import { type OpenDifference, Register } from './register.js';
import { run, type RunOptions } from './run.js';

// Books in these tests are an hour old by a fixed clock: every patience has passed.
const options: RunOptions = { scope: 'full', grace: 0, messages: 0, repair: false, dryRun: false };
const reconcile = (books: Books, more: Partial<RunOptions> = {}) => {
  const { operator } = books;
  return run({ operator, library: new Library(operator), register: new Register(operator) }, { ...options, ...more });
};
const repairs = (books: Books) => books.posted.filter(({ path }) => path.startsWith('repairs/'));
const recorded = (books: Books) => books.posted.filter(({ path }) => path === 'reconciliation/runs').map(({ body }) => body);
const fine = (count: number) => Array.from({ length: count }, () => sale({ end: 'CONFIRMED' }));
const openOf = (kind: OpenDifference['kind'], of: { orderId: string }, more: Partial<OpenDifference> = {}): OpenDifference => ({
  ...{ id: `id of ${kind}`, kind, subject: of.orderId, orderId: of.orderId, repairs: 0, firstSeen: '2026-11-27T11:00:00.000Z' },
  ...more,
});

describe('a full run', () => {
  it('joins the books of every order, whatever a page holds of each', async () => {
    const outcome = await reconcile(new Books([...fine(10), sale({ end: 'OUT_OF_STOCK' }), sale({ end: 'RUNNING' }), ...fine(7)]));
    expect(outcome).toMatchObject({ scope: 'full', judged: 18, inMotion: 1, differences: [] });
  });

  it('finds an order that only one book knows, first, last and in between', async () => {
    const lost = [defects.RESERVATION_WITHOUT_ORDER(), defects.PAYMENT_WITHOUT_ORDER(), defects.CART_WITHOUT_ORDER()];
    const { differences } = await reconcile(new Books([lost[0]!, ...fine(5), lost[1]!, ...fine(5), lost[2]!]));
    expect(differences.map(({ kind }) => kind).sort()).toEqual([
      'CART_WITHOUT_ORDER',
      'PAYMENT_WITHOUT_ORDER',
      'RESERVATION_WITHOUT_ORDER',
    ]);
  });

  it('is what the very first run is', async () => {
    expect(await reconcile(new Books(fine(1)), { scope: 'changed' })).toMatchObject({ scope: 'full' });
  });
});

describe('a later run', () => {
  it('reads what changed, and nothing else', async () => {
    const books = new Books(fine(7));
    books.cutOff = new Date().toISOString();
    expect(await reconcile(books, { scope: 'changed' })).toMatchObject({ scope: 'changed', judged: 7 });
    for (const book of ['orders', 'payments', 'settlement', 'reservations', 'carts'])
      expect(books.asked).toContain(`books/${book}/touched`);
  });
});

describe('an operation that is nobody’s order', () => {
  it.each(['full', 'changed'] as const)('is found in a run of %s, whatever it is called', async (scope) => {
    const stranger = defects.OPERATION_UNKNOWN();
    const [operation] = stranger.operations;
    const reference = 'a, b & 100 %';
    const books = new Books([...fine(4), { orderId: reference, operations: [{ ...operation!, key: 'stranger', reference }] }]);
    books.cutOff = new Date().toISOString();
    expect(await reconcile(books, { scope })).toMatchObject({ differences: [{ kind: 'OPERATION_UNKNOWN', subject: 'stranger' }] });
  });
});

describe('a message that is late', () => {
  const missing = () => [defects.CART_WITHOUT_ORDER(), defects.CART_LEFT_CHECKING_OUT()];
  const announced = (books: Books) => repairs(books).filter(({ path }) => path.endsWith('/announcements'));

  it('is no difference, is not sent again, and what was said of it before stays open, however long it takes', async () => {
    const [first, second] = missing();
    const books = new Books([first!, second!, ...fine(1)]);
    books.traffic = { ...FREE, oldestSeconds: 600 };
    books.open = [openOf('CART_LEFT_CHECKING_OUT', second!)];
    for (let again = 0; again < 2; again++) {
      const outcome = await reconcile(books, { repair: true });
      expect(outcome).toMatchObject({ differences: [], resolved: [], judged: 3, onTheirWay: 2 });
    }
    expect(repairs(books)).toEqual([]);
    expect(recorded(books)).toMatchObject([
      { found: 0, resolved: [] },
      { found: 0, resolved: [] },
    ]);
  });

  it('is told from one that is lost by its key', async () => {
    const [late, gone] = [defects.CART_LEFT_CHECKING_OUT(), defects.CART_LEFT_CHECKING_OUT()];
    const books = new Books([late, gone]);
    books.traffic = { ...FREE, letters: [{ key: late.orderId }] };
    expect(await reconcile(books, { repair: true })).toMatchObject({ differences: [{ subject: gone.orderId, repaired: 'done' }] });
    expect(announced(books)).toMatchObject([{ service: 'order', path: `repairs/orders/${gone.orderId}/announcements` }]);
  });

  it('holds up no other difference', async () => {
    const books = new Books([...missing(), defects.LEDGER_ENTRY_MISSING()]);
    books.traffic = { ...FREE, health: [{ away: ['broker'] }] };
    expect((await reconcile(books)).differences.map(({ kind }) => kind)).toEqual(['LEDGER_ENTRY_MISSING']);
  });

  it('and comes while its way is watched is none', async () => {
    const books = new Books([defects.CART_LEFT_CHECKING_OUT()]);
    books.onRead = (path) => {
      if (path === 'outbox') books.sales[0]!.cart!.status = 'CLOSED';
    };
    expect(await reconcile(books, { repair: true })).toMatchObject({ differences: [] });
    expect(repairs(books)).toEqual([]);
  });
});

describe('a second look', () => {
  it('clears what two readings of a busy shop made up', async () => {
    const busy = defects.CART_LEFT_CHECKING_OUT();
    const books = new Books([busy]);
    let reads = 0;
    // Its cart closes just after it was read for the first time.
    books.onRead = (path) => {
      if (path === 'books/carts' && ++reads === 2) busy.cart!.status = 'CLOSED';
    };
    expect(await reconcile(books)).toMatchObject({ differences: [] });
    expect(recorded(books)).toMatchObject([{ found: 0, differences: [] }]);
  });

  it('keeps a difference of a product that is sold meanwhile', async () => {
    const books = new Books([]);
    const lamp = { sku: 'lamp', onHand: 91, reserved: 0, received: 100, committed: 10, held: 0 };
    books.products = [lamp];
    let reads = 0;
    books.onRead = (path) => {
      if (path === 'books/products' && ++reads === 2) books.products = [{ ...lamp, onHand: 90, committed: 11 }];
    };
    expect(await reconcile(books)).toMatchObject({ differences: [{ kind: 'STOCK_ON_HAND_DIFFERS', subject: 'lamp' }] });
  });
});

describe('repairs', () => {
  it('are asked of the owner, only with --repair, and only for kinds that have one', async () => {
    const broken = () => [defects.LEDGER_ENTRY_MISSING(), defects.CAPTURED_TWICE()];
    const careful = new Books(broken());
    await reconcile(careful);
    expect(repairs(careful)).toEqual([]);
    const books = new Books(broken());
    const { differences } = await reconcile(books, { repair: true });
    expect(repairs(books)).toMatchObject([{ service: 'payment', path: `repairs/payments/${books.sales[0]!.payment!.paymentId}/bookings` }]);
    expect(differences.map(({ kind, action, repaired }) => [kind, action, repaired]).sort()).toEqual([
      ['CAPTURED_TWICE', 'escalate', undefined],
      ['LEDGER_ENTRY_MISSING', 'repair', 'done'],
    ]);
  });

  it('are given up after three tries: a person has to look', async () => {
    const broken = defects.RESERVATION_ORPHANED();
    for (const [tries, asked] of [
      [2, 1],
      [3, 0],
    ] as const) {
      const books = new Books([broken]);
      books.open = [openOf('RESERVATION_ORPHANED', broken, { repairs: tries })];
      const { differences } = await reconcile(books, { repair: true });
      expect(differences).toMatchObject([{ action: asked ? 'repair' : 'escalate' }]);
      expect(repairs(books)).toHaveLength(asked);
    }
  });

  it('that the owner does not do say so, and the run goes on', async () => {
    const books = new Books([defects.RESERVATION_ORPHANED(), defects.LEDGER_ENTRY_MISSING()]);
    books.answer = (path) =>
      path.includes('bookings')
        ? { status: 200, body: { done: false, because: 'everything is booked' } }
        : { status: 500, body: { code: 'INTERNAL' } };
    const { differences } = await reconcile(books, { repair: true });
    expect(differences.map(({ repaired }) => repaired).sort()).toEqual(['not done: everything is booked', 'refused with 500 INTERNAL']);
  });
});

describe('the register', () => {
  it('is told what was found, and what is gone', async () => {
    const mended = sale({ end: 'CONFIRMED' });
    const still = defects.CAPTURE_NOT_AT_PROCESSOR();
    const moving = sale({ end: 'RUNNING' });
    const books = new Books([mended, still, moving]);
    const subject = still.payment!.paymentId;
    books.open = [
      openOf('RESERVATION_MISSING', mended),
      openOf('CAPTURE_NOT_AT_PROCESSOR', still, { subject }),
      openOf('SAGA_STUCK', moving), // resumed: it is not known yet how it ends
      { ...openOf('STOCK_ON_HAND_DIFFERS', mended), orderId: null, subject: 'lamp' },
    ];
    const { differences } = await reconcile(books);
    expect(differences).toMatchObject([{ subject, firstSeen: '2026-11-27T11:00:00.000Z' }]);
    expect(recorded(books)).toMatchObject([
      {
        scope: 'full',
        judged: 2,
        inMotion: 1,
        found: 1,
        resolved: ['id of RESERVATION_MISSING', 'id of STOCK_ON_HAND_DIFFERS'],
        more: false,
      },
    ]);
  });

  it('is told in parts, of which only the last counts as a run', async () => {
    const books = new Books(Array.from({ length: 205 }, () => defects.RESERVATION_MISSING()));
    await reconcile(books);
    expect(recorded(books)).toMatchObject([{ more: true }, { more: true }, { more: false, found: 205 }]);
  });

  it('and everybody else hears nothing of a dry run', async () => {
    const books = new Books([defects.LEDGER_ENTRY_MISSING()]);
    expect(await reconcile(books, { repair: true, dryRun: true })).toMatchObject({ differences: [{ action: 'repair' }] });
    expect(books.posted).toEqual([]);
  });

  it('that does not take it makes the run fail', async () => {
    const books = new Books([]);
    const { operator } = books;
    operator.post = () => Promise.resolve({ status: 503, body: {} });
    const failing = run({ operator, library: new Library(operator), register: new Register(operator) }, options);
    await expect(failing).rejects.toThrow(CannotReconcileError);
  });
});
