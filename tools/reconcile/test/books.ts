import type { Operator, ServiceName } from '../src/operator.js';
import type { OpenDifference } from '../src/register.js';
import type { Draft } from './consistent.js';

const PAGE = 3;
export interface Traffic {
  oldestSeconds: number;
  parked: { key: string }[];
  letters: { key: string }[];
  health: { away: string[] }[];
  lags: { topic: string; partition: number; messages: number }[][];
}
export const FREE: Traffic = { oldestSeconds: 0, parked: [], letters: [], health: [{ away: [] }], lags: [[]] };

type Posted = { service: ServiceName; path: string; body: object };

/** Services that answer from books in memory, in small pages, each book with its own cursor. What is posted is kept. */
export class Books {
  readonly posted: Posted[] = [];
  readonly asked: string[] = [];
  products: object[] = [];
  accounts: object[] = [];
  open: OpenDifference[] = [];
  cutOff: string | null = null;
  /** Called before each answer: the shop goes on while it is read. */
  onRead: (path: string) => void = () => undefined;
  /** What the services say of messages that are on their way, the same for each of them; `lags` and `health` replica by replica. */
  traffic: Traffic = FREE;
  answer: (path: string) => { status: number; body: unknown } = () => ({ status: 200, body: { done: true } });

  constructor(readonly sales: Draft[]) {}

  get operator(): Operator {
    return {
      list: (service: ServiceName, path: string) => Promise.resolve(this.list(service, path)),
      each: (service: ServiceName, path: string) => Promise.resolve(this.each(service, path)),
      get: (service: ServiceName, path: string, query: Record<string, string | undefined> = {}) =>
        Promise.resolve(this.get(service, path, query)),
      post: (service: ServiceName, path: string, body: object = {}) => {
        this.posted.push({ service, path, body });
        return Promise.resolve(path === 'reconciliation/runs' ? { status: 204, body: {} } : this.answer(path));
      },
    } as unknown as Operator;
  }

  private list(service: ServiceName, path: string): unknown[] {
    this.onRead(path);
    this.asked.push(`${service} ${path}`);
    return path === 'dead-letters' ? this.traffic.letters : this.traffic.parked;
  }

  private each(service: ServiceName, path: string): unknown[] {
    this.asked.push(`${service} ${path}`);
    return path === '/health/ready' ? this.traffic.health : this.traffic.lags.map((partitions) => ({ partitions }));
  }

  private get(service: ServiceName, path: string, { after = '', orderIds }: Record<string, string | undefined>): unknown {
    this.onRead(path);
    this.asked.push(path === 'outbox' ? `${service} ${path}` : path);
    if (path === 'outbox') return { oldestSeconds: this.traffic.oldestSeconds };
    if (path === 'reconciliation') return { cutOff: this.cutOff, fullAt: null, open: this.open };
    if (path === 'books/products') return { items: this.products, next: null };
    if (path === 'books/ledger') return { accounts: this.accounts };
    const [, book, touched] = path.split('/') as [string, keyof typeof ROWS, string?];
    const sorted = [...this.sales].sort((a, b) => (a.orderId < b.orderId ? -1 : 1)).filter((sale) => ROWS[book](sale).length > 0);
    const ids = orderIds?.split(',').map(decodeURIComponent);
    const page = ids
      ? sorted.filter(({ orderId }) => ids.includes(orderId))
      : sorted.filter(({ orderId }) => orderId > after).slice(0, PAGE);
    const next = !ids && page.length === PAGE ? page.at(-1)!.orderId : null;
    if (touched) return { orderIds: page.map(({ orderId }) => orderId), next };
    return { items: page.flatMap((sale) => ROWS[book](sale)), next };
  }
}

const ROWS: Record<'orders' | 'payments' | 'settlement' | 'reservations' | 'carts', (sale: Draft) => object[]> = {
  orders: ({ order }: Draft) => (order ? [order] : []),
  payments: ({ payment }: Draft) => (payment ? [payment] : []),
  settlement: ({ operations }: Draft) => operations,
  reservations: ({ reservation }: Draft) => (reservation ? [reservation] : []),
  carts: ({ cart }: Draft) => (cart ? [cart] : []),
};
