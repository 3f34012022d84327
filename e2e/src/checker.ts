import { setTimeout as sleep } from 'node:timers/promises';
import type { Operation, Platform } from './platform.js';
import type { OrderView, Shopper } from './shop.js';

const REPLICA_TRIES = 25;
const REPLICA_PAUSE = 200;

/** An order its buyer was told is accepted. */
export interface Accepted {
  orderId: string;
  sku: string;
  quantity: number;
  buyer: Shopper;
}

/** What every party says became of the accepted orders. Amounts in minor units. */
export interface Books {
  accepted: Omit<Accepted, 'buyer'>[];
  orders: { orderId: string; status: string; reason?: string; total: number }[];
  payments: { orderId: string; paymentId: string; captured: number }[];
  /** What took effect at the processor since the books were opened. */
  settlement: Operation[];
  /** Pieces that can be bought; nothing is held once all orders have ended. */
  stock: { sku: string; before: number; now: number }[];
  ledger: { balanced: boolean; accounts: { debit: number; credit: number }[] };
  /** Of every service that counts them. */
  deadLetters: { service: string; open: number; ever: number }[];
}

/**
 * Compares them, on the understanding that every accepted order must end CONFIRMED, be paid once and shipped once.
 *
 * @returns one line per difference; nothing when the books agree
 */
export function differences(books: Books): string[] {
  const { accepted, orders, payments, settlement, stock, ledger, deadLetters } = books;
  const found: string[] = [];
  for (const [orderId, times] of tally(accepted.map((a) => a.orderId)))
    if (times > 1) found.push(`order ${orderId}: accepted ${times} times`);

  const captures = settlement.filter(({ kind }) => kind === 'capture');
  const known = new Set<Operation>();
  for (const { orderId } of accepted) {
    const order = orders.find((each) => each.orderId === orderId);
    if (!order) {
      found.push(`order ${orderId}: accepted, and not there`);
      continue;
    }
    if (order.status !== 'CONFIRMED') found.push(`order ${orderId}: ${order.status}${order.reason ? ` (${order.reason})` : ''}`);
    const due = order.status === 'CONFIRMED' ? order.total : 0;
    const own = payments.filter((each) => each.orderId === orderId);
    const captured = own.reduce((sum, each) => sum + each.captured, 0);
    if (captured !== due) found.push(`order ${orderId}: payment captured ${captured} of ${due}`);
    const settled = captures.filter(({ key }) => own.some(({ paymentId }) => key.startsWith(paymentId)));
    for (const each of settled) known.add(each);
    const amounts = settled.map(({ amount }) => amount.amount);
    if (amounts.join() !== (due ? String(due) : '')) found.push(`order ${orderId}: the processor captured [${amounts.join()}] for ${due}`);
  }
  for (const { key } of captures.filter((each) => !known.has(each)))
    found.push(`the processor captured ${key}, of an order nobody was told of`);

  for (const { sku, before, now } of stock) {
    const sold = soldOf(sku, accepted, orders);
    if (before - now !== sold) found.push(`${sku}: ${before - now} pieces gone, ${sold} sold`);
  }

  const sum = (side: 'debit' | 'credit') => ledger.accounts.reduce((total, account) => total + account[side], 0);
  if (!ledger.balanced || sum('debit') !== sum('credit')) found.push(`the ledger does not balance: ${sum('debit')} and ${sum('credit')}`);

  if (deadLetters.length === 0) found.push('no service counts its dead letters');
  for (const { service, open, ever } of deadLetters)
    if (open || ever) found.push(`${service}: ${open} dead letters open, ${ever} since it started`);
  return found;
}

/** Where the books of a platform are read that no public address shows. */
export interface Sources {
  /** What took effect at the processor, by its own books. */
  settlement(): Promise<Operation[]>;
  deadLetters(): Promise<Books['deadLetters']>;
}

/** Of a platform whose services answer to this machine. */
const sourcesOf = (platform: Platform): Sources => ({
  settlement: () => settlement(platform),
  deadLetters: () => deadLetters(platform),
});

/** Opened before the orders, checked after them; nobody else may buy meanwhile. */
export class Checker {
  /** Every order, as it was seen last by `check`. */
  orders: OrderView[] = [];

  private constructor(
    private readonly sources: Sources,
    private readonly merchant: Shopper,
    private readonly stock: Map<string, number>,
    /** The keys of what had taken effect at the processor. */
    private readonly settled: ReadonlySet<string>,
  ) {}

  static async open(of: Platform | Sources, merchant: Shopper, skus: readonly string[]): Promise<Checker> {
    const sources = 'settlement' in of ? of : sourcesOf(of);
    const stock = new Map<string, number>();
    for (const sku of skus) stock.set(sku, await available(merchant, sku));
    return new Checker(sources, merchant, stock, new Set((await sources.settlement()).map(({ key }) => key)));
  }

  /** Waits for the end of every order, so many milliseconds for all together, and gives the differences in the books. */
  async check(accepted: readonly Accepted[], patience = 90_000): Promise<string[]> {
    const end = Date.now() + patience;
    const payments: Books['payments'] = [];
    this.orders = [];
    for (const { orderId, buyer } of accepted) {
      const order = await endOf(buyer, orderId, end);
      if (order) this.orders.push(order);
      const { body } = await this.merchant.get<{ items: { paymentId: string; captured: { amount: number } }[] }>(
        `/payments?orderId=${orderId}`,
      );
      payments.push(...body.items.map(({ paymentId, captured }) => ({ orderId, paymentId, captured: captured.amount })));
    }
    const stock: Books['stock'] = [];
    for (const [sku, before] of this.stock)
      stock.push({ sku, before, now: await caughtUp(this.merchant, sku, before - soldOf(sku, accepted, this.orders)) });
    return differences({
      accepted: [...accepted],
      orders: this.orders.map((order) => ({ ...order, total: order.total.amount })),
      payments,
      stock,
      settlement: (await this.sources.settlement()).filter(({ key }) => !this.settled.has(key)),
      ledger: (await this.merchant.get<Books['ledger']>('/payments/ledger')).body,
      deadLetters: await this.sources.deadLetters(),
    });
  }
}

/** The order, final if it became so in time; undefined when it is unknown. */
async function endOf(buyer: Shopper, orderId: string, end: number): Promise<OrderView | undefined> {
  const left = Math.max(end - Date.now(), 0);
  try {
    return await buyer.final(orderId, left);
  } catch {
    const { status, body } = await buyer.get<OrderView>(`/orders/${orderId}`);
    return status === 200 ? body : undefined;
  }
}

/** Every operation that took effect at the processor, page by page: its own books, whatever our services believe. */
export async function settlement({ psp }: Platform): Promise<Operation[]> {
  const operations: Operation[] = [];
  for (let cursor: string | null = '0'; cursor;) {
    const response = await fetch(`${psp.url}/v1/settlement?limit=500&cursor=${cursor}`, { headers: { 'x-api-key': psp.apiKey } });
    if (!response.ok) throw new Error(`GET /v1/settlement answered ${response.status}`);
    const page = (await response.json()) as { items: Operation[]; nextCursor: string | null };
    operations.push(...page.items);
    cursor = page.nextCursor;
  }
  return operations;
}

/** Pieces of orders that are CONFIRMED. */
function soldOf(sku: string, accepted: readonly Omit<Accepted, 'buyer'>[], orders: readonly { orderId: string; status: string }[]): number {
  const confirmed = new Set(orders.filter(({ status }) => status === 'CONFIRMED').map(({ orderId }) => orderId));
  return accepted.reduce((sum, a) => sum + (a.sku === sku && confirmed.has(a.orderId) ? a.quantity : 0), 0);
}

/** What can be bought. A replica may answer, a moment behind: it is asked again for a while when it says something else than expected. */
async function caughtUp(merchant: Shopper, sku: string, expected: number): Promise<number> {
  for (let tries = 1; ; tries++) {
    const now = await available(merchant, sku);
    if (now === expected || tries === REPLICA_TRIES) return now;
    await sleep(REPLICA_PAUSE);
  }
}

async function available(merchant: Shopper, sku: string): Promise<number> {
  const { status, body } = await merchant.get<{ available: number }>(`/products/${sku}`);
  if (status !== 200) throw new Error(`GET /products/${sku} answered ${status}`);
  return body.available;
}

async function deadLetters({ services }: Platform): Promise<Books['deadLetters']> {
  const counted: Books['deadLetters'] = [];
  for (const [service, { url }] of Object.entries(services)) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const sumOf = (metric: string) =>
      [...text.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0);
    if (text.includes('ballast_dead_letters_open'))
      counted.push({ service, open: sumOf('ballast_dead_letters_open'), ever: sumOf('ballast_dead_letters_total') });
  }
  return counted;
}

function tally(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
