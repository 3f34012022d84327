import { Database, type Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { Not, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Cart, CartItem } from './cart.entity.js';

/** Which cart, as the messages about its order name it. */
export interface Ordered {
  cartId: string;
  orderId: string;
}

/** Carts with their items. An account has one that is not closed at most. */
export interface CartStore {
  nextOrderId(): string;
  /** The account's cart that is not closed, or the empty one that it will have; writes nothing. */
  show(accountId: string): Promise<Cart>;
  /** The same, locked until the end of the transaction when it is there. */
  lock(tx: Tx, accountId: string): Promise<Cart>;
  /** The account's cart, locked; it is written down first when there is none. */
  lockOrCreate(tx: Tx, accountId: string): Promise<Cart>;
  save(tx: Tx, cart: Cart): Promise<void>;
  putItem(tx: Tx, item: CartItem): Promise<void>;
  /** Writes an item's name and price. */
  bindItem(tx: Tx, item: CartItem): Promise<void>;
  removeItem(tx: Tx, cartId: string, sku: string): Promise<void>;
  /** Closes the cart that waits for this order; without effect when none does. */
  close(tx: Tx, ordered: Ordered): Promise<void>;
  /** Opens the cart that waits for this order again; without effect when none does. */
  reopen(tx: Tx, ordered: Ordered): Promise<void>;
}

@Injectable()
export class SqlCartStore implements CartStore {
  constructor(private readonly db: Database) {}

  nextOrderId(): string {
    return uuidv7();
  }

  async show(accountId: string): Promise<Cart> {
    const cart = await this.db.primary.findOne(Cart, {
      where: live(accountId),
      relations: { items: { product: true } },
      order: { items: { position: 'ASC' } },
    });
    return cart ?? next(this.db.primary, accountId);
  }

  async lock(tx: Tx, accountId: string): Promise<Cart> {
    return (await locked(tx, accountId)) ?? next(tx, accountId);
  }

  /** Of two first requests at once the unique index lets one create the cart; the other waits for it here and uses it. */
  async lockOrCreate(tx: Tx, accountId: string): Promise<Cart> {
    for (;;) {
      const cart = await locked(tx, accountId);
      if (cart) return cart;
      const { items: _none, ...row } = await next(tx, accountId);
      await tx.createQueryBuilder().insert().into(Cart).values(row).orIgnore().execute();
    }
  }

  async save(tx: Tx, { id, status, orderId, version }: Cart): Promise<void> {
    await tx.update(Cart, { id }, { status, orderId, version });
  }

  async putItem(tx: Tx, { cartId, sku, position, quantity, name, price }: CartItem): Promise<void> {
    await tx.upsert(CartItem, { cartId, sku, position, quantity, name, price }, ['cartId', 'sku']);
  }

  async bindItem(tx: Tx, { cartId, sku, name, price }: CartItem): Promise<void> {
    await tx.update(CartItem, { cartId, sku }, { name, price });
  }

  async removeItem(tx: Tx, cartId: string, sku: string): Promise<void> {
    await tx.delete(CartItem, { cartId, sku });
  }

  async close(tx: Tx, ordered: Ordered): Promise<void> {
    await tx.update(Cart, waiting(ordered), { status: 'CLOSED', version: () => 'version + 1' });
  }

  async reopen(tx: Tx, ordered: Ordered): Promise<void> {
    await tx.update(Cart, waiting(ordered), { status: 'OPEN', orderId: null, version: () => 'version + 1' });
  }
}

const live = (accountId: string) => ({ accountId, status: Not('CLOSED' as const) });
const waiting = ({ cartId, orderId }: Ordered) => ({ id: cartId, orderId, status: 'CHECKING_OUT' as const });

/**
 * The cart, locked, with its items. They are read after the lock is held: a join would show them as they were before the
 * wait for it.
 */
async function locked(tx: Tx, accountId: string): Promise<Cart | undefined> {
  const cart = await tx.findOne(Cart, { where: live(accountId), lock: { mode: 'pessimistic_write' } });
  if (!cart) return undefined;
  cart.items = await tx.find(CartItem, { where: { cartId: cart.id }, relations: { product: true }, order: { position: 'ASC' } });
  return cart;
}

async function next(em: EntityManager, accountId: string): Promise<Cart> {
  return Cart.after(accountId, (await em.maximum(Cart, 'number', { accountId, status: 'CLOSED' })) ?? 0);
}
