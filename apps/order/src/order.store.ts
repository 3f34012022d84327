import { Database, type Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { Order } from './order.entity.js';

export interface OrderStore {
  add(tx: Tx, order: Omit<Order, 'createdAt' | 'reason'>): Promise<void>;
  /** Ends an order that is PENDING and gives it; undefined when it has ended before, or is not there. */
  end(tx: Tx, id: string, status: Order['status'], reason: string | null): Promise<Order | undefined>;
  find(id: string, accountId: string): Promise<Order | null>;
  /** An account's orders, newest first (ids are UUIDv7, so they sort by time), after the one with id `cursor`. */
  list(accountId: string, limit: number, cursor?: string): Promise<Order[]>;
}

@Injectable()
export class SqlOrderStore implements OrderStore {
  constructor(private readonly db: Database) {}

  async add(tx: Tx, order: Omit<Order, 'createdAt' | 'reason'>): Promise<void> {
    await tx.insert(Order, order);
  }

  async end(tx: Tx, id: string, status: Order['status'], reason: string | null): Promise<Order | undefined> {
    const { affected } = await tx.update(Order, { id, status: 'PENDING' }, { status, reason });
    return affected ? tx.findOneByOrFail(Order, { id }) : undefined;
  }

  find(id: string, accountId: string): Promise<Order | null> {
    return this.db.primary.findOneBy(Order, { id, accountId });
  }

  list(accountId: string, limit: number, cursor?: string): Promise<Order[]> {
    const orders = this.db.primary.createQueryBuilder(Order, 'o').where('o.accountId = :accountId', { accountId });
    if (cursor) orders.andWhere('o.id < :cursor', { cursor });
    return orders.orderBy('o.id', 'DESC').limit(limit).getMany();
  }
}
