import {
  BOOKS_IDS,
  type CartRow,
  type OrderRow,
  type PaymentRow,
  type ProductRow,
  type ReservationRow,
  type SettlementRow,
} from '@ballast/contracts';
import type { Operator, ServiceName } from './operator.js';
import type { Sale } from './sale.js';

interface Book<Row> {
  service: ServiceName;
  name: string;
  orderOf: (row: Row) => string;
}
const byOrder = ({ orderId }: { orderId: string }) => orderId;

const orders: Book<OrderRow> = { service: 'order', name: 'orders', orderOf: byOrder };
const payments: Book<PaymentRow> = { service: 'payment', name: 'payments', orderOf: byOrder };
const settlement: Book<SettlementRow> = { service: 'payment', name: 'settlement', orderOf: ({ reference, key }) => reference ?? key };
const reservations: Book<ReservationRow> = { service: 'inventory', name: 'reservations', orderOf: byOrder };
const carts: Book<CartRow> = { service: 'cart', name: 'carts', orderOf: byOrder };
const books = [carts, payments, settlement, reservations, orders] as const;

type Page<Row> = { items: Row[]; next: string | null };
/** References of others may be long, and a URL must not be. */
const FOREIGN = 20;
const partsOf = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, part) => items.slice(part * size, (part + 1) * size));
const isOrderId = (id: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);

/** All books, read through the services' operator endpoints, put together by order. */
export class Library {
  constructor(private readonly operator: Operator) {}

  /**
   * Every order that any book knows, in the order of its id. A merge join: each book comes in that order, so memory holds a page of
   * each, however many orders there are.
   */
  async *everything(): AsyncGenerator<Sale> {
    const readers = {
      carts: new Reader(this.rows(carts), carts.orderOf),
      payments: new Reader(this.rows(payments), payments.orderOf),
      settlement: new Reader(this.rows(settlement), settlement.orderOf),
      reservations: new Reader(this.rows(reservations), reservations.orderOf),
      orders: new Reader(this.rows(orders), orders.orderOf),
    };
    for (;;) {
      const heads = await Promise.all(Object.values(readers).map((reader) => reader.head()));
      const orderId = heads.reduce<string | undefined>(
        (least, id) => (id !== undefined && (least === undefined || id < least) ? id : least),
        undefined,
      );
      if (orderId === undefined) return;
      yield saleOf(orderId, {
        carts: await readers.carts.take(orderId),
        payments: await readers.payments.take(orderId),
        settlement: await readers.settlement.take(orderId),
        reservations: await readers.reservations.take(orderId),
        orders: await readers.orders.take(orderId),
      });
    }
  }

  /** Some orders, by id. A reference that can be no order's id is in the processor's books only. */
  async *some(ids: readonly string[]): AsyncGenerator<Sale> {
    for (const part of partsOf(
      ids.filter((id) => !isOrderId(id)),
      FOREIGN,
    )) {
      const operations = await this.byIds(settlement, part);
      for (const id of part)
        yield saleOf(id, { ...NOTHING, settlement: operations.filter((operation) => settlement.orderOf(operation) === id) });
    }
    for (const ours of partsOf(ids.filter(isOrderId), BOOKS_IDS)) {
      const [c, p, s, r, o] = await Promise.all([
        this.byIds(carts, ours),
        this.byIds(payments, ours),
        this.byIds(settlement, ours),
        this.byIds(reservations, ours),
        this.byIds(orders, ours),
      ]);
      for (const id of ours) {
        const of = <Row>(rows: Row[], { orderOf }: Book<Row>) => rows.filter((row) => orderOf(row) === id);
        yield saleOf(id, {
          ...{ carts: of(c, carts), payments: of(p, payments), settlement: of(s, settlement) },
          ...{ reservations: of(r, reservations), orders: of(o, orders) },
        });
      }
    }
  }

  /** Orders of which any book has changed since. */
  async touched(since: Date): Promise<Set<string>> {
    const ids = new Set<string>();
    for (const { service, name } of books) {
      let after: string | undefined;
      do {
        const page: { orderIds: string[]; next: string | null } = await this.operator.get(service, `books/${name}/touched`, {
          since: since.toISOString(),
          after,
        });
        for (const id of page.orderIds) ids.add(id);
        after = page.next ?? undefined;
      } while (after);
    }
    return ids;
  }

  async products(): Promise<ProductRow[]> {
    const rows: ProductRow[] = [];
    for await (const row of this.rows<ProductRow>({ service: 'inventory', name: 'products', orderOf: ({ sku }) => sku })) rows.push(row);
    return rows;
  }

  async trialBalance(): Promise<{ account: string; currency: string; debit: number; credit: number }[]> {
    return (
      await this.operator.get<{ accounts: { account: string; currency: string; debit: number; credit: number }[] }>(
        'payment',
        'books/ledger',
      )
    ).accounts;
  }

  private async *rows<Row>({ service, name }: Book<Row>): AsyncGenerator<Row> {
    let after: string | undefined;
    do {
      const page: Page<Row> = await this.operator.get<Page<Row>>(service, `books/${name}`, { after });
      yield* page.items;
      after = page.next ?? undefined;
    } while (after);
  }

  private async byIds<Row>({ service, name }: Book<Row>, ids: readonly string[]): Promise<Row[]> {
    return (await this.operator.get<Page<Row>>(service, `books/${name}`, { orderIds: ids.map(encodeURIComponent).join() })).items;
  }
}

/** A book that is read once, from its first order to its last. */
class Reader<Row> {
  private next: IteratorResult<Row> | undefined;

  constructor(
    private readonly rows: AsyncIterator<Row>,
    private readonly orderOf: (row: Row) => string,
  ) {}

  /** The order of the next row; undefined at the end. */
  async head(): Promise<string | undefined> {
    this.next ??= await this.rows.next();
    return this.next.done ? undefined : this.orderOf(this.next.value);
  }

  /** The rows of that order, if it is the next one. */
  async take(orderId: string): Promise<Row[]> {
    const rows: Row[] = [];
    while ((await this.head()) === orderId) {
      rows.push((this.next as IteratorYieldResult<Row>).value);
      this.next = undefined;
    }
    return rows;
  }
}

interface Rows {
  carts: CartRow[];
  payments: PaymentRow[];
  settlement: SettlementRow[];
  reservations: ReservationRow[];
  orders: OrderRow[];
}

const NOTHING: Rows = { carts: [], payments: [], settlement: [], reservations: [], orders: [] };

function saleOf(orderId: string, { carts, payments, settlement, reservations, orders }: Rows): Sale {
  const [cart] = carts;
  const [payment] = payments;
  const [reservation] = reservations;
  const [order] = orders;
  return {
    orderId,
    operations: settlement,
    ...(cart && { cart }),
    ...(payment && { payment }),
    ...(reservation && { reservation }),
    ...(order && { order }),
  };
}
