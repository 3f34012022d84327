import { cartCheckedOut } from '@ballast/contracts';
import { afterCommit, Database, type Tx } from '@ballast/database';
import { Outbox } from '@ballast/messaging';
import { Idempotency, type Answer, type IdempotentRequest } from '@ballast/service';
import { Inject, Injectable } from '@nestjs/common';
import { totalOf, type Cart } from './cart.entity.js';
import { countAccepted } from './cart.metrics.js';
import { SqlCartStore, type CartStore, type Ordered } from './cart.store.js';
import { CatalogueService } from './catalogue.service.js';

@Injectable()
export class CartService {
  constructor(
    private readonly db: Database,
    @Inject(SqlCartStore) private readonly store: CartStore,
    private readonly outbox: Outbox,
    private readonly idempotency: Idempotency,
    private readonly catalogue: CatalogueService,
  ) {}

  /** The account's cart that is not closed, or the empty one that it will have; reading writes nothing. */
  show(accountId: string): Promise<Cart> {
    return this.store.show(accountId);
  }

  /** Sets how many of a product are in the cart; 0 takes it out. */
  putItem(accountId: string, sku: string, quantity: number): Promise<Cart> {
    if (quantity === 0) return this.removeItem(accountId, sku);
    return this.db.transaction(async (tx) => {
      const product = await this.catalogue.get(tx, sku);
      const cart = await this.store.lockOrCreate(tx, accountId);
      const item = cart.put(product, quantity);
      if (item) {
        await this.store.putItem(tx, item);
        await this.store.save(tx, cart);
      }
      return cart;
    });
  }

  removeItem(accountId: string, sku: string): Promise<Cart> {
    return this.db.transaction(async (tx) => {
      await this.catalogue.get(tx, sku);
      const cart = await this.store.lock(tx, accountId);
      if (cart.remove(sku)) {
        await this.store.removeItem(tx, cart.id, sku);
        await this.store.save(tx, cart);
      }
      return cart;
    });
  }

  /** Hands the cart over as a new order, once per key, and freezes it until that order has ended. */
  checkOut(request: IdempotentRequest, accountId: string, paymentToken: string): Promise<Answer<{ orderId: string }>> {
    return this.db.transaction((tx) =>
      this.idempotency.run(tx, request, async () => {
        const cart = await this.store.lock(tx, accountId);
        const orderId = this.store.nextOrderId();
        for (const item of cart.checkOut(orderId)) await this.store.bindItem(tx, item);
        await this.store.save(tx, cart);
        const { id: cartId, lines: items } = cart;
        await this.outbox.add(tx, cartCheckedOut({ orderId, cartId, accountId, items, total: totalOf(items), paymentToken }));
        afterCommit(tx, countAccepted);
        return { status: 202, body: { orderId }, headers: { location: `/orders/${orderId}` } };
      }),
    );
  }

  /** The order went through: the account's next cart is a new one. Without effect when the cart does not wait for this order. */
  close(tx: Tx, ordered: Ordered): Promise<void> {
    return this.store.close(tx, ordered);
  }

  /** The order came to nothing: the buyer has the items again. Without effect when the cart does not wait for this order. */
  reopen(tx: Tx, ordered: Ordered): Promise<void> {
    return this.store.reopen(tx, ordered);
  }
}
