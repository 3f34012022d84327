import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, pauseDockerKafka, pauseProcess, workspaceRoot } from '@ballast/testing';
import { inTurns } from './in-turns.js';
import { platform } from './platform.js';
import { type OrderView, Shopper } from './shop.js';
import { Tampering } from './tampering.js';

/** Books are compared as `npm run reconcile` compares them: a job of its own, by the services' operator endpoints alone. */
const SKU = 'books-lamp';
const WRONG = 'books-wrong';
const PRICE = { amount: 500, currency: 'EUR' };

interface Difference {
  kind: string;
  subject: string;
  orderId?: string;
  action: 'repair' | 'escalate';
  repaired?: string;
}
interface Report {
  judged: number;
  onTheirWay: number;
  differences: Difference[];
}
const nameOf = ({ kind, subject }: Difference) => `${kind} ${subject}`;

let merchant: Shopper;
let tampering: Tampering;

beforeAll(async () => {
  merchant = await Shopper.signIn(platform().gateway, platform().credentials.merchant);
  for (const sku of [SKU, WRONG]) await merchant.put(`/products/${sku}`, { name: sku, price: PRICE, stock: 1_000 });
  await (await Shopper.register(platform().gateway)).knows(SKU);
  tampering = new Tampering(platform());
});
afterAll(async () => {
  // What was repaired is right as it is.
  await tampering?.undo((kind) => !REPAIRABLE.includes(kind));
  await tampering?.close();
});

const command = (...args: string[]) => [join(workspaceRoot(), 'tools/reconcile/dist/reconcile.js'), '--home', platform().home, ...args];

/** The command, in a process of its own. */
function reconcile(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, command(...args), { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** The job, as the cluster runs it: `--watch --repair`, until it is stopped. */
class Job {
  readonly reports: Report[] = [];
  /** When each difference was named first, ms since 1970. */
  readonly found = new Map<string, number>();
  private readonly child: ChildProcess;

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, command('--watch', '--repair', '--json', ...args), { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      const report = JSON.parse(line) as Report;
      this.reports.push(report);
      for (const difference of report.differences) if (!this.found.has(nameOf(difference))) this.found.set(nameOf(difference), Date.now());
    });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill();
    await once(this.child, 'exit');
  }
}

let job: Job | undefined;
afterEach(async () => {
  await job?.stop();
  job = undefined;
});

/** For what need not wait for the job's own. */
const PATIENCE = ['--grace', '2', '--messages', '2'];
/** What was changed behind everybody's back tells no book, so a day is looked at. */
async function report(...args: string[]): Promise<Report & { code: number }> {
  const which = args.includes('--full') ? [] : ['--since', '24h'];
  const { code, stdout, stderr } = await reconcile('--json', ...PATIENCE, ...which, ...args);
  if (code > 1) throw new Error(`reconcile ended with ${code}: ${stderr}`);
  return { ...(JSON.parse(stdout) as Report), code };
}

/** A buyer of their own for each order, so that each has one cart. */
async function bought(token = 'tok_ok'): Promise<OrderView> {
  const buyer = await Shopper.register(platform().gateway);
  const order = await buyer.buy({ [SKU]: 2 }, token);
  await buyer.cartOpens();
  return order;
}
const paymentOf = async (orderId: string): Promise<string> =>
  (await merchant.get<{ items: { paymentId: string }[] }>(`/payments?orderId=${orderId}`)).body.items[0]!.paymentId;

/** As cart would have made it, of a time long enough ago for every patience. */
const oldId = () => idOf(Date.now() - 600_000);
function idOf(time: number): string {
  const hex = time.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${randomUUID().slice(15)}`;
}

it('a shop at work has no difference: what is on its way is none', async () => {
  const before = await report('--full', '--dry-run');
  const known = new Set(before.differences.map(nameOf));
  const buying = Promise.all(
    Array.from({ length: 12 }, async (_, i) => bought(['tok_ok', 'tok_declined', 'tok_flaky', 'tok_slow'][i % 4])),
  );
  const reports = [await report('--dry-run'), await report('--dry-run'), await report('--full', '--dry-run')];
  await buying;
  reports.push(await report('--full', '--dry-run'));
  for (const { differences, judged } of reports) {
    expect(differences.filter((difference) => !known.has(nameOf(difference)))).toEqual([]);
    expect(judged).toBeGreaterThan(0);
  }
});

/** Orders that went well, and some that were declined, for one defect each: bought together, as buyers do. */
const pool: { paid: OrderView[]; declined: OrderView[] } = { paid: [], declined: [] };
async function fill(paid: number, declined: number): Promise<void> {
  const buy = (token: string, count: number) => inTurns(8, Array.from({ length: count }), () => bought(token));
  [pool.paid, pool.declined] = await Promise.all([buy('tok_ok', paid), buy('tok_declined', declined)]);
}
const declined = (): OrderView => pool.declined.pop()!;
const paid = async () => {
  const { orderId } = pool.paid.pop()!;
  return { orderId, payment: await paymentOf(orderId) };
};

/** What a defect leaves behind, by kind. Each has an order of its own; gives what the difference is about. */
const seeds: Record<string, () => Promise<string>> = {
  async CAPTURE_NOT_IN_PAYMENT() {
    const { payment } = await paid();
    await unbook(payment);
    await tampering.change('payment', 'payment', { id: payment }, { status: `'AUTHORISED'`, captured: '0' });
    return payment;
  },
  async CAPTURE_NOT_AT_PROCESSOR() {
    const { payment } = await paid();
    await tampering.remove('psp', 'operation', { key: `${payment}:capture` });
    return payment;
  },
  async CAPTURE_AMOUNT_DIFFERS() {
    const { payment } = await paid();
    await tampering.change('psp', 'operation', { key: `${payment}:capture` }, { amount: 'amount - 1' });
    return payment;
  },
  async CAPTURE_CURRENCY_DIFFERS() {
    const { payment } = await paid();
    await tampering.change('psp', 'operation', { key: `${payment}:capture` }, { currency: `'USD'` });
    return payment;
  },
  async CAPTURED_TWICE() {
    const { payment } = await paid();
    const [capture] = await tampering.rows('psp', 'operation', { key: `${payment}:capture` });
    await tampering.add('psp', 'operation', { ...withoutNumber(capture!), key: `by-hand-${payment}` });
    return payment;
  },
  async CONFIRMED_WITHOUT_CAPTURE() {
    const { orderId, payment } = await paid();
    await unbook(payment);
    await tampering.change('payment', 'payment', { id: payment }, { status: `'AUTHORISED'`, captured: '0' });
    await tampering.remove('psp', 'operation', { key: `${payment}:capture` });
    return orderId;
  },
  async REJECTED_WITH_CAPTURE() {
    const { orderId, payment } = await paid();
    await tampering.change('order', 'orders', { id: orderId }, { status: `'REJECTED'`, reason: `'TIMED_OUT'` });
    await tampering.change('order', 'saga', { id: orderId }, { status: `'COMPENSATED'` });
    await tampering.change('inventory', 'reservation', { order_id: orderId }, { state: `'RELEASED'` });
    await tampering.change('inventory', 'product', { sku: SKU }, { on_hand: 'on_hand + 2' }, { on_hand: 'on_hand - 2' });
    await tampering.change('cart', 'cart', { order_id: orderId }, { status: `'OPEN'`, order_id: 'NULL' });
    return payment;
  },
  async PAYMENT_TOTAL_DIFFERS() {
    const { orderId, payment } = await paid();
    await tampering.change('order', 'orders', { id: orderId }, { total: `jsonb_build_object('amount', 1001, 'currency', 'EUR')` });
    return payment;
  },
  async AUTHORISATION_LEFT_OPEN() {
    const payment = await paymentOf(declined().orderId);
    await tampering.change('psp', 'operation', { key: `${payment}:authorise` }, { state: `'succeeded'`, code: 'NULL' });
    return payment;
  },
  async REFUND_NOT_AT_PROCESSOR() {
    const { payment } = await paid();
    const refund = await refunded(payment);
    await tampering.remove('psp', 'operation', { key: refund });
    await tampering.change('psp', 'operation', { key: `${payment}:authorise` }, { refunded: '0' });
    return refund;
  },
  async REFUND_NOT_SETTLED() {
    const refund = await refunded((await paid()).payment);
    await tampering.change('payment', 'refund', { id: refund }, { status: `'BOOKED'` });
    return refund;
  },
  async REFUND_AMOUNT_DIFFERS() {
    const refund = await refunded((await paid()).payment);
    await tampering.change('psp', 'operation', { key: refund }, { amount: 'amount - 1' });
    return refund;
  },
  async REFUNDS_EXCEED_CAPTURE() {
    const { payment } = await paid();
    await tampering.change('psp', 'operation', { key: await refunded(payment) }, { amount: '1001' });
    return payment;
  },
  async REFUND_REVERSED_BUT_PAID() {
    const { payment } = await paid();
    const refund = await refunded(payment);
    await bookBack(refund, 'REFUND_REVERSAL');
    await tampering.change('payment', 'refund', { id: refund }, { status: `'REVERSED'` });
    await tampering.change('payment', 'payment', { id: payment }, { refunded: '0' });
    return refund;
  },
  async REFUND_NOT_IN_PAYMENT() {
    const { payment } = await paid();
    const [capture] = await tampering.rows('psp', 'operation', { key: `${payment}:capture` });
    const key = `refund-by-hand-${payment}`;
    await tampering.add('psp', 'operation', { ...withoutNumber(capture!), key, kind: 'refund', amount: 5 });
    return key;
  },
  async REFUNDED_TOTAL_DIFFERS() {
    const { payment } = await paid();
    await tampering.change('payment', 'payment', { id: payment }, { refunded: '1' });
    return payment;
  },
  async OPERATION_UNKNOWN() {
    const { payment } = await paid();
    const [authorisation] = await tampering.rows('psp', 'operation', { key: `${payment}:authorise` });
    const key = `stranger-${payment}`;
    const reference = `somebody, who has our key: ${payment}`;
    await tampering.add('psp', 'operation', { ...withoutNumber(authorisation!), key, reference, captured: 0 });
    return key;
  },
  async LEDGER_ENTRY_MISSING() {
    const { payment } = await paid();
    await unbook(payment);
    return payment;
  },
  async LEDGER_ENTRY_DIFFERS() {
    const { payment } = await paid();
    const [booked] = await tampering.rows<{ id: string }>('payment', 'ledger_transaction', { reference: payment });
    for (const side of ['debit', 'credit'])
      await tampering.change('payment', 'ledger_entry', { transaction_id: booked!.id, [side]: 1_000 }, { [side]: '999' });
    return booked!.id;
  },
  async LEDGER_ENTRY_UNEXPECTED() {
    return bookBack((await paid()).payment, 'REFUND');
  },
  async LEDGER_UNBALANCED() {
    const { payment } = await paid();
    const [booked] = await tampering.rows<{ id: string }>('payment', 'ledger_transaction', { reference: payment });
    await tampering.change('payment', 'ledger_entry', { transaction_id: booked!.id, account: 'sales' }, { credit: '998' });
    return booked!.id;
  },
  async RESERVATION_ORPHANED() {
    const { orderId } = declined();
    await tampering.change('inventory', 'reservation', { order_id: orderId }, { state: `'HELD'` });
    await tampering.change('inventory', 'product', { sku: SKU }, { reserved: 'reserved + 2' });
    return orderId;
  },
  async RESERVATION_OF_REJECTED() {
    const { orderId } = declined();
    await tampering.change('inventory', 'reservation', { order_id: orderId }, { state: `'COMMITTED'` });
    await tampering.change('inventory', 'product', { sku: SKU }, { on_hand: 'on_hand - 2' });
    return orderId;
  },
  async RESERVATION_MISSING() {
    const { orderId } = await paid();
    await tampering.change('inventory', 'reservation', { order_id: orderId }, { state: `'RELEASED'` });
    await tampering.change('inventory', 'product', { sku: SKU }, { on_hand: 'on_hand + 2' }, { on_hand: 'on_hand - 2' });
    return orderId;
  },
  async RESERVATION_LINES_DIFFER() {
    const { orderId } = await paid();
    await tampering.change('order', 'orders', { id: orderId }, { items: `jsonb_set(items, '{0,quantity}', '3')` });
    return orderId;
  },
  async STOCK_ON_HAND_DIFFERS() {
    await tampering.change('inventory', 'product', { sku: WRONG }, { on_hand: 'on_hand - 3' }, { on_hand: 'on_hand + 3' });
    return WRONG;
  },
  async STOCK_RESERVED_DIFFERS() {
    await tampering.change('inventory', 'product', { sku: WRONG }, { reserved: 'reserved + 4' });
    return WRONG;
  },
  async CART_LEFT_CHECKING_OUT() {
    const { orderId } = await paid();
    await tampering.change('cart', 'cart', { order_id: orderId }, { status: `'CHECKING_OUT'` });
    return orderId;
  },
  async CART_CLOSED_OF_REJECTED() {
    const { orderId: order_id } = declined();
    const [id, account_id] = [randomUUID(), randomUUID()];
    await tampering.add('cart', 'cart', { id, account_id, number: 1, status: 'CLOSED', order_id, version: 3 });
    return order_id;
  },
  async CART_WITHOUT_ORDER() {
    const order_id = idOf(Date.now());
    const [id, account_id] = [randomUUID(), randomUUID()];
    await tampering.add('cart', 'cart', { id, account_id, number: 1, status: 'CHECKING_OUT', order_id, version: 2 });
    return order_id;
  },
  async PAYMENT_WITHOUT_ORDER() {
    const order_id = oldId();
    const updated_at = new Date(Date.now() - 60_000);
    await tampering.add('payment', 'payment', { id: randomUUID(), order_id, amount: 0, status: 'VOIDED', updated_at });
    return order_id;
  },
  async RESERVATION_WITHOUT_ORDER() {
    const order_id = oldId();
    await tampering.add('inventory', 'reservation', { order_id, state: 'RELEASED', since: new Date(Date.now() - 60_000) });
    return order_id;
  },
  async ORDER_WITHOUT_SAGA() {
    const { orderId } = await paid();
    const [order] = await tampering.rows('order', 'orders', { id: orderId });
    const id = oldId();
    const json = { items: JSON.stringify(order!['items']), total: JSON.stringify(order!['total']) };
    await tampering.add('order', 'orders', { ...order!, ...json, id, status: 'PENDING', reason: null, ended_at: null });
    return id;
  },
  async SAGA_STUCK() {
    const { orderId } = await paid();
    await tampering.change('order', 'saga', { id: orderId }, { status: `'STUCK'`, finished_at: 'NULL' });
    await tampering.change('order', 'orders', { id: orderId }, { status: `'PENDING'`, ended_at: 'NULL' });
    return orderId;
  },
  async ORDER_AND_SAGA_DISAGREE() {
    const { orderId } = await paid();
    await tampering.change('order', 'saga', { id: orderId }, { status: `'COMPENSATED'` });
    return orderId;
  },
};

const REPAIRABLE = [
  ...['CAPTURE_NOT_IN_PAYMENT', 'REJECTED_WITH_CAPTURE', 'AUTHORISATION_LEFT_OPEN', 'LEDGER_ENTRY_MISSING'],
  ...['REFUND_NOT_AT_PROCESSOR', 'REFUND_NOT_SETTLED'],
  ...['RESERVATION_ORPHANED', 'RESERVATION_OF_REJECTED', 'STOCK_RESERVED_DIFFERS', 'CART_LEFT_CHECKING_OUT'],
];

it('there is a defect of every kind that the guide names', () => {
  const guide = readFileSync(join(workspaceRoot(), 'docs/guides/reconciliation.md'), 'utf8');
  expect(Object.keys(seeds).sort()).toEqual([...guide.matchAll(/^\| `([A-Z_]+)` \| (?:page|ticket) /gm)].map(([, kind]) => kind).sort());
});

/** ms within which the job, with nothing set otherwise, names each of them. */
const LIMIT = 60_000;

it('every kind of defect is found by the job within 60 s, what is safe is repaired, and the rest waits for a person', async () => {
  await fill(Object.keys(seeds).length, 4);
  const seeded = new Map<string, number>();
  for (const [kind, seed] of Object.entries(seeds)) {
    tampering.begin(kind);
    seeded.set(`${kind} ${await seed()}`, Date.now());
  }
  const open = async (...args: string[]) => (await report(...args)).differences.filter((difference) => seeded.has(nameOf(difference)));

  // What was changed behind everybody's back shows in a run over all orders: the one with which a job begins.
  const running = (job = new Job());
  const missed = () => [...seeded.keys()].filter((name) => !running.found.has(name));
  await eventually(() => expect(missed()).toEqual([]), { timeout: LIMIT, interval: 500 });
  const took = [...seeded].map(([name, at]) => [running.found.get(name)! - at, name] as const).sort(([a], [b]) => b - a);
  process.stdout.write(`\nall ${took.length} kinds found; the last, ${took[0]![1]}, after ${(took[0]![0] / 1000).toFixed(1)} s\n`);
  expect(took.filter(([ms]) => ms > LIMIT)).toEqual([]);

  // A second job beside the first, as in a cluster that starts one too many.
  const rest = await eventually(
    async () => {
      const found = await open('--repair');
      expect(found.filter(({ action, kind }) => action === 'repair' || REPAIRABLE.includes(kind))).toEqual([]);
      return found;
    },
    { timeout: 60_000, interval: 1_000 },
  );
  expect(rest.map(({ kind }) => kind).sort()).toEqual(
    Object.keys(seeds)
      .filter((kind) => !REPAIRABLE.includes(kind))
      .sort(),
  );
  const repaired = running.reports.flatMap(({ differences }) => differences.filter(({ action }) => action === 'repair'));
  expect(new Set(repaired.filter((difference) => seeded.has(nameOf(difference))).map(({ kind }) => kind))).toEqual(new Set(REPAIRABLE));

  const { code, stdout } = await reconcile(...PATIENCE, '--since', '24h', '--dry-run');
  expect(code).toBe(1);
  expect(stdout).toMatch(/kind +count +at stake +oldest +action/);
  expect(stdout).toMatch(/CAPTURED_TWICE +1 +EUR 10\.00/);
}, 300_000);

/** Connections stay open, and nothing answers. Gives the function that lets it go on. */
async function pauseKafka(): Promise<() => Promise<void>> {
  const { home } = platform();
  const { kind, pid } = JSON.parse(readFileSync(join(home, 'run.json'), 'utf8')).kafka as { kind: string; pid: number };
  if (kind === 'docker') return pauseDockerKafka(join(home, 'data', 'kafka'));
  const goOn = pauseProcess(pid);
  return async () => goOn();
}

it('while Kafka is away what waits for it is no difference and is not sent again, nor when it is back', async () => {
  const watching = (job = new Job('--grace', '2', '--every', '2'));
  await eventually(() => expect(watching.reports.length).toBeGreaterThan(0), { timeout: 60_000 });
  const buyers = await Promise.all(Array.from({ length: 12 }, () => Shopper.register(platform().gateway)));
  const checkOut = (some: Shopper[]) => Promise.all(some.map(async (buyer) => (await buyer.checkout({ [SKU]: 1 })).body.orderId));
  const orders = await checkOut(buyers.slice(0, 8));
  // Some of these are somewhere on their way now, and what comes later gets no further than its outbox.
  const bringBack = await pauseKafka();
  try {
    orders.push(...(await checkOut(buyers.slice(8))));
    await sleep(LIMIT / 2);
  } finally {
    await bringBack();
  }
  await Promise.all(buyers.map(async (buyer, i) => [await buyer.final(orders[i]!), await buyer.cartOpens()]));
  await sleep(5_000);
  await watching.stop();
  expect([...watching.found.keys()].filter((name) => orders.some((orderId) => name.includes(orderId)))).toEqual([]);
  expect(Math.max(...watching.reports.map(({ onTheirWay }) => onTheirWay))).toBeGreaterThanOrEqual(4);
});

/** The processor counts its operations by itself. */
const withoutNumber = ({ seq: _, ...operation }: Record<string, unknown>) => operation;

/** Gives a little back, and waits for the processor to have paid it. */
async function refunded(payment: string): Promise<string> {
  const { body } = await merchant.post<{ refundId: string }>(
    `/payments/${payment}/refunds`,
    { amount: { amount: 100, currency: 'EUR' } },
    { 'idempotency-key': randomUUID() },
  );
  await eventually(async () =>
    expect(await tampering.rows('payment', 'refund', { id: body.refundId })).toMatchObject([{ status: 'SUCCEEDED' }]),
  );
  return body.refundId;
}

/** Books the opposite of what is booked for a payment or refund, as of another kind; gives the transaction. */
async function bookBack(reference: string, kind: string): Promise<string> {
  const [booked] = await tampering.rows('payment', 'ledger_transaction', { reference });
  const id = randomUUID();
  await tampering.add('payment', 'ledger_transaction', { ...booked!, id, kind });
  for (const { debit, credit, ...entry } of await tampering.rows('payment', 'ledger_entry', { transaction_id: booked!['id'] }))
    await tampering.add('payment', 'ledger_entry', { ...entry, id: randomUUID(), transaction_id: id, debit: credit, credit: debit });
  return id;
}

/** Takes what was booked for a payment out of the ledger. */
async function unbook(payment: string): Promise<void> {
  for (const { id } of await tampering.rows<{ id: string }>('payment', 'ledger_transaction', { reference: payment })) {
    await tampering.remove('payment', 'ledger_entry', { transaction_id: id });
    await tampering.remove('payment', 'ledger_transaction', { id });
  }
}

describe('what cannot be compared', () => {
  let directory: string;
  beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'ballast-accounts-'))));
  afterAll(() => rmSync(directory, { recursive: true }));
  const accounts = (contents: unknown) => {
    const file = join(directory, 'accounts.json');
    writeFileSync(file, JSON.stringify(contents));
    return file;
  };

  it.each<[string, () => unknown, RegExp]>([
    ['an account that is no operator', () => ({ operator: platform().credentials.merchant }), /the role "operator"/],
    ['a wrong password', () => ({ operator: { email: 'nobody@ballast.example', password: 'wrong' } }), /cannot sign in/],
    ['a file without one', () => ({}), /has no operator/],
  ])('is said in one line, with exit code 2: %s', async (_, contents, words) => {
    const { code, stdout, stderr } = await reconcile('--accounts', accounts(contents()));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(words)]);
  });
});
