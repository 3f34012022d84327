import type { Tx } from '@ballast/database';
import { Cart, CartItem, type CartStore, type CatalogueEntry, type Ordered } from '@ballast/cart/domain';
import { Product, Reservation, type Line, type ReservationStore } from '@ballast/inventory/domain';
import { Order, type OrderStore } from '@ballast/order/domain';
import type { IdempotencyStore, KeptAnswer } from '@ballast/service/parts';
import { ServerError, type Lookup, type MemoryDatabase, type Table } from './database.js';

/** An entity of its own: what the domain changes in it is written by `save` alone. */
const entity = <T extends object>(type: new () => T, row: Readonly<T>): T => Object.assign(new type(), row);

export class MemoryIdempotencyStore implements IdempotencyStore {
  private readonly answers: Table<string, KeptAnswer & { expiresAt: number }>;

  constructor(private readonly database: MemoryDatabase) {
    this.answers = database.table();
  }

  /** Always: transactions here run one after the other. */
  async tryLock(tx: Tx): Promise<boolean> {
    this.database.require(tx);
    return true;
  }

  async find(tx: Tx, scope: Buffer): Promise<KeptAnswer | undefined> {
    this.database.require(tx);
    const kept = this.answers.get(scope.toString('hex'));
    if (!kept || kept.expiresAt <= this.database.clock()) return undefined;
    const { expiresAt: _expiresAt, ...answer } = kept;
    return answer;
  }

  async keep(tx: Tx, scope: Buffer, answer: KeptAnswer, forMs: number): Promise<void> {
    this.database.require(tx);
    const body: unknown = JSON.parse(JSON.stringify(answer.body));
    this.answers.put(scope.toString('hex'), { ...answer, body, expiresAt: this.database.clock() + forMs });
  }
}

export class MemoryCartStore implements CartStore {
  readonly catalogue: Table<string, CatalogueEntry>;
  private readonly carts: Table<string, Omit<Cart, 'items'>>;
  private readonly items: Table<string, Omit<CartItem, 'cart' | 'product'>>;
  private readonly cartsOf: Lookup<string, Omit<Cart, 'items'>>;
  private readonly itemsOf: Lookup<string, Omit<CartItem, 'cart' | 'product'>>;

  constructor(
    private readonly database: MemoryDatabase,
    readonly nextOrderId: () => string,
  ) {
    this.catalogue = database.table();
    this.carts = database.table();
    this.items = database.table();
    this.cartsOf = this.carts.indexed(({ accountId }) => accountId);
    this.itemsOf = this.items.indexed(({ cartId }) => cartId);
  }

  async show(accountId: string): Promise<Cart> {
    return this.live(accountId) ?? this.next(accountId);
  }

  async lock(tx: Tx, accountId: string): Promise<Cart> {
    this.database.require(tx);
    return this.live(accountId) ?? this.next(accountId);
  }

  async lockOrCreate(tx: Tx, accountId: string): Promise<Cart> {
    this.database.require(tx);
    const cart = this.live(accountId);
    if (cart) return cart;
    const { items: _none, ...row } = this.next(accountId);
    this.carts.put(row.id, row as Omit<Cart, 'items'>);
    return this.live(accountId)!;
  }

  async save(tx: Tx, { id, status, orderId, version }: Cart): Promise<void> {
    this.database.require(tx);
    this.carts.update(id, { status, orderId, version });
  }

  async putItem(tx: Tx, { cartId, sku, position, quantity, name, price }: CartItem): Promise<void> {
    this.database.require(tx);
    this.items.put(`${cartId}/${sku}`, { cartId, sku, position, quantity, name, price } as CartItem);
  }

  async bindItem(tx: Tx, { cartId, sku, name, price }: CartItem): Promise<void> {
    this.database.require(tx);
    this.items.update(`${cartId}/${sku}`, { name, price });
  }

  async removeItem(tx: Tx, cartId: string, sku: string): Promise<void> {
    this.database.require(tx);
    this.items.delete(`${cartId}/${sku}`);
  }

  async close(tx: Tx, ordered: Ordered): Promise<void> {
    this.end(tx, ordered, { status: 'CLOSED' });
  }

  async reopen(tx: Tx, ordered: Ordered): Promise<void> {
    this.end(tx, ordered, { status: 'OPEN', orderId: null });
  }

  /** The account's first cart. */
  of(accountId: string): Readonly<Omit<Cart, 'items'>> | undefined {
    for (const row of this.cartsOf.of(accountId)) if (row.number === 1) return row;
    return undefined;
  }

  private end(tx: Tx, { cartId, orderId }: Ordered, change: Partial<Cart>): void {
    this.database.require(tx);
    const cart = this.carts.get(cartId);
    if (cart?.orderId === orderId && cart.status === 'CHECKING_OUT') this.carts.update(cartId, { ...change, version: cart.version + 1 });
  }

  private live(accountId: string): Cart | undefined {
    for (const row of this.cartsOf.of(accountId)) {
      if (row.status === 'CLOSED') continue;
      const cart = entity(Cart, row as Cart);
      cart.items = [];
      for (const item of this.itemsOf.of(row.id))
        cart.items.push(entity(CartItem, { ...item, product: this.catalogue.get(item.sku)! } as CartItem));
      cart.items.sort((a, b) => a.position - b.position);
      return cart;
    }
    return undefined;
  }

  private next(accountId: string): Cart {
    let last = 0;
    for (const row of this.cartsOf.of(accountId)) if (row.status === 'CLOSED') last = Math.max(last, row.number);
    return Cart.after(accountId, last);
  }
}

export class MemoryReservationStore implements ReservationStore {
  readonly products: Table<string, Product>;
  readonly reservations: Table<string, Reservation>;
  private readonly lines: Table<string, { lines: readonly Line[] }>;

  constructor(private readonly database: MemoryDatabase) {
    this.products = database.table();
    this.reservations = database.table();
    this.lines = database.table();
  }

  /** Held already: transactions here run one after the other. */
  async lockStock(tx: Tx): Promise<void> {
    this.database.require(tx);
  }

  async begin(tx: Tx, orderId: string, state: Reservation['state']): Promise<boolean> {
    this.database.require(tx);
    return this.reservations.insert(orderId, { orderId, state, refusal: null, since: this.database.now() });
  }

  async end(tx: Tx, orderId: string, state: Reservation['state']): Promise<boolean> {
    this.database.require(tx);
    return this.reservations.get(orderId)?.state === 'HELD' && this.reservations.update(orderId, { state, since: this.database.now() });
  }

  async find(tx: Tx, orderId: string): Promise<Reservation | null> {
    this.database.require(tx);
    const row = this.reservations.get(orderId);
    return row ? entity(Reservation, row) : null;
  }

  async stockOf(tx: Tx, skus: readonly string[]): Promise<Product[]> {
    this.database.require(tx);
    return [...skus].sort(bytewise).flatMap((sku) => {
      const row = this.products.get(sku);
      return row ? [entity(Product, row)] : [];
    });
  }

  async hold(tx: Tx, orderId: string, lines: readonly Line[]): Promise<void> {
    this.database.require(tx);
    if (!this.lines.insert(orderId, { lines: [...lines] })) throw new ServerError('23505', 'duplicate key', 'reservation_item_pkey');
    for (const line of lines) this.move(line, 0, line.quantity);
  }

  async refuse(tx: Tx, orderId: string, refusal: Reservation['refusal']): Promise<void> {
    this.database.require(tx);
    this.reservations.update(orderId, { state: 'RELEASED', refusal });
  }

  async giveBack(tx: Tx, orderId: string): Promise<void> {
    this.database.require(tx);
    for (const line of this.lines.get(orderId)?.lines ?? []) this.move(line, 0, -line.quantity);
  }

  async takeOff(tx: Tx, orderId: string): Promise<void> {
    this.database.require(tx);
    for (const line of this.lines.get(orderId)?.lines ?? []) this.move(line, -line.quantity, -line.quantity);
  }

  private move({ sku }: Line, onHand: number, reserved: number): void {
    const row = this.products.get(sku);
    if (!row) return;
    const next = { onHand: row.onHand + onHand, reserved: row.reserved + reserved };
    if (next.reserved < 0 || next.reserved > next.onHand)
      throw new ServerError('23514', `${sku}: ${next.reserved} reserved of ${next.onHand}`, 'product_never_oversold');
    this.products.update(sku, next);
  }
}

const bytewise = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export class MemoryOrderStore implements OrderStore {
  readonly orders: Table<string, Order>;

  constructor(private readonly database: MemoryDatabase) {
    this.orders = database.table();
  }

  async add(tx: Tx, order: Omit<Order, 'createdAt' | 'reason'>): Promise<void> {
    this.database.require(tx);
    const row = { ...order, reason: null, createdAt: this.database.now() };
    if (!this.orders.insert(order.id, row)) throw new ServerError('23505', `order ${order.id} exists`, 'orders_pkey');
  }

  async end(tx: Tx, id: string, status: Order['status'], reason: string | null): Promise<Order | undefined> {
    this.database.require(tx);
    if (this.orders.get(id)?.status !== 'PENDING') return undefined;
    this.orders.update(id, { status, reason });
    return entity(Order, this.orders.get(id)!);
  }

  async find(id: string, accountId: string): Promise<Order | null> {
    const row = this.orders.get(id);
    return row?.accountId === accountId ? entity(Order, row) : null;
  }

  async list(accountId: string, limit: number, cursor?: string): Promise<Order[]> {
    return [...this.orders.values()]
      .filter((row) => row.accountId === accountId && (cursor === undefined || row.id < cursor))
      .sort((a, b) => -bytewise(a.id, b.id))
      .slice(0, limit)
      .map((row) => entity(Order, row));
  }
}
