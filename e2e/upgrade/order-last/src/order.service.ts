import { orderRejected } from '@ballast/contracts';
import { afterCommit, type Tx } from '@ballast/database';
import type { PayloadOf } from '@ballast/message';
import { Outbox } from '@ballast/messaging';
import { Inject, Injectable } from '@nestjs/common';
import { Order, type OrderStatus } from './order.entity.js';
import { orderConfirmedV2 } from './order.messages.js';
import { observeFinal } from './order.metrics.js';
import type { cartCheckedOut } from './order.reads.js';
import { SqlOrderStore, type OrderStore } from './order.store.js';

@Injectable()
export class OrderService {
  constructor(
    @Inject(SqlOrderStore) private readonly store: OrderStore,
    private readonly outbox: Outbox,
  ) {}

  /** A cart was checked out: the order exists from here on, PENDING until its saga ends. */
  async place(tx: Tx, checkout: PayloadOf<typeof cartCheckedOut>): Promise<void> {
    const { orderId: id, accountId, cartId, items, total } = checkout;
    await this.store.add(tx, { id, accountId, cartId, status: 'PENDING', items, total });
  }

  async confirm(tx: Tx, orderId: string): Promise<void> {
    const order = await this.end(tx, orderId, 'CONFIRMED');
    if (!order) return;
    const { cartId, accountId, total } = order;
    await this.outbox.add(tx, orderConfirmedV2({ orderId, cartId, buyerId: accountId, total }));
  }

  async reject(tx: Tx, orderId: string, reason: string): Promise<void> {
    const order = await this.end(tx, orderId, 'REJECTED', reason);
    if (order) await this.outbox.add(tx, orderRejected({ orderId, cartId: order.cartId, accountId: order.accountId, reason }));
  }

  /** Publishes again how an order ended, for a reader that lost it. False when it has not ended. */
  async announce(tx: Tx, orderId: string): Promise<boolean> {
    const order = await tx.findOneBy(Order, { id: orderId });
    if (!order || order.status === 'PENDING') return false;
    const { cartId, accountId, total, reason } = order;
    const confirmed = () => orderConfirmedV2({ orderId, cartId, buyerId: accountId, total });
    const rejected = () => orderRejected({ orderId, cartId, accountId, reason: reason! });
    await this.outbox.add(tx, order.status === 'CONFIRMED' ? confirmed() : rejected());
    return true;
  }

  find(id: string, accountId: string): Promise<Order | null> {
    return this.store.find(id, accountId);
  }

  /** An account's orders, newest first (ids are UUIDv7, so they sort by time), after the one with id `cursor`. */
  list(accountId: string, limit: number, cursor?: string): Promise<Order[]> {
    return this.store.list(accountId, limit, cursor);
  }

  /** Ends an order once; a second time is no change and publishes nothing. */
  private async end(tx: Tx, id: string, status: OrderStatus, reason: string | null = null): Promise<Order | undefined> {
    const order = await this.store.end(tx, id, status, reason);
    if (order) afterCommit(tx, () => observeFinal(id, status));
    return order;
  }
}
