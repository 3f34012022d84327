import { cartCheckedOut } from '@ballast/contracts';
import { afterCommit, Database, type Tx } from '@ballast/database';
import { Outbox } from '@ballast/messaging';
import { Idempotency, type Answer, type IdempotentRequest } from '@ballast/service';
import { Injectable } from '@nestjs/common';
import { Not, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Cart, CartItem, totalOf } from './cart.entity.js';
import { countAccepted } from './cart.metrics.js';
import { CatalogueService } from './catalogue.service.js';

@Injectable()
export class CartService {
  constructor(
    private readonly db: Database,
    private readonly outbox: Outbox,
    private readonly idempotency: Idempotency,
    private readonly catalogue: CatalogueService,
  ) {}

  /** The account's cart that is not closed, or the empty one that it will have; reading writes nothing. */
  async show(accountId: string): Promise<Cart> {
    const cart = await this.db.primary.findOne(Cart, {
      where: live(accountId),
      relations: { items: { product: true } },
      order: { items: { position: 'ASC' } },
    });
    return cart ?? next(this.db.primary, accountId);
  }

  /** Sets how many of a product are in the cart; 0 takes it out. */
  putItem(accountId: string, sku: string, quantity: number): Promise<Cart> {
    if (quantity === 0) return this.removeItem(accountId, sku);
    return this.db.transaction(async (tx) => {
      const product = await this.catalogue.get(tx, sku);
      const cart = await lockOrCreate(tx, accountId);
      const item = cart.put(product, quantity);
      if (item) {
        const { cartId, position, name, price } = item;
        await tx.upsert(CartItem, { cartId, sku, position, quantity, name, price }, ['cartId', 'sku']);
        await save(tx, cart);
      }
      return cart;
    });
  }

  removeItem(accountId: string, sku: string): Promise<Cart> {
    return this.db.transaction(async (tx) => {
      await this.catalogue.get(tx, sku);
      const cart = (await lock(tx, accountId)) ?? (await next(tx, accountId));
      if (cart.remove(sku)) {
        await tx.delete(CartItem, { cartId: cart.id, sku });
        await save(tx, cart);
      }
      return cart;
    });
  }

  /** Hands the cart over as a new order, once per key, and freezes it until that order has ended. */
  checkOut(request: IdempotentRequest, accountId: string, paymentToken: string): Promise<Answer<{ orderId: string }>> {
    return this.db.transaction((tx) =>
      this.idempotency.run(tx, request, async () => {
        const cart = (await lock(tx, accountId)) ?? (await next(tx, accountId));
        const orderId = uuidv7();
        for (const { cartId, sku, name, price } of cart.checkOut(orderId)) await tx.update(CartItem, { cartId, sku }, { name, price });
        await save(tx, cart);
        const { id: cartId, lines: items } = cart;
        await this.outbox.add(tx, cartCheckedOut({ orderId, cartId, accountId, items, total: totalOf(items), paymentToken }));
        afterCommit(tx, countAccepted);
        return { status: 202, body: { orderId }, headers: { location: `/orders/${orderId}` } };
      }),
    );
  }

  /** The order went through: the account's next cart is a new one. Without effect when the cart does not wait for this order. */
  async close(tx: Tx, { cartId, orderId }: { cartId: string; orderId: string }): Promise<void> {
    await tx.update(Cart, { id: cartId, orderId, status: 'CHECKING_OUT' }, { status: 'CLOSED', version: () => 'version + 1' });
  }

  /** The order came to nothing: the buyer has the items again. Without effect when the cart does not wait for this order. */
  async reopen(tx: Tx, { cartId, orderId }: { cartId: string; orderId: string }): Promise<void> {
    await tx.update(Cart, { id: cartId, orderId, status: 'CHECKING_OUT' }, { status: 'OPEN', orderId: null, version: () => 'version + 1' });
  }
}

const live = (accountId: string) => ({ accountId, status: Not('CLOSED' as const) });

/**
 * The cart, locked, with its items. They are read after the lock is held: a join would show them as they were before the
 * wait for it.
 */
async function lock(tx: Tx, accountId: string): Promise<Cart | undefined> {
  const cart = await tx.findOne(Cart, { where: live(accountId), lock: { mode: 'pessimistic_write' } });
  if (!cart) return undefined;
  cart.items = await tx.find(CartItem, { where: { cartId: cart.id }, relations: { product: true }, order: { position: 'ASC' } });
  return cart;
}

/** Of two first requests at once the unique index lets one create the cart; the other waits for it here and uses it. */
async function lockOrCreate(tx: Tx, accountId: string): Promise<Cart> {
  for (;;) {
    const cart = await lock(tx, accountId);
    if (cart) return cart;
    const { items: _none, ...row } = await next(tx, accountId);
    await tx.createQueryBuilder().insert().into(Cart).values(row).orIgnore().execute();
  }
}

async function next(em: EntityManager, accountId: string): Promise<Cart> {
  return Cart.after(accountId, (await em.maximum(Cart, 'number', { accountId, status: 'CLOSED' })) ?? 0);
}

const save = (tx: Tx, { id, status, orderId, version }: Cart) => tx.update(Cart, { id }, { status, orderId, version });
