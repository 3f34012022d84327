import { Database, type Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Refund } from './refund.entity.js';

export interface RefundStore {
  nextId(): string;
  add(tx: Tx, refund: Pick<Refund, 'id' | 'paymentId' | 'amount' | 'currency' | 'status'>): Promise<Refund>;
  /** Rejects when there is none. */
  find(tx: Tx, id: string): Promise<Refund>;
  save(tx: Tx, refund: Refund): Promise<void>;
  /** From the primary, outside of a transaction. Rejects when there is none. */
  get(id: string): Promise<Refund>;
}

@Injectable()
export class SqlRefundStore implements RefundStore {
  constructor(private readonly db: Database) {}

  nextId(): string {
    return uuidv7();
  }

  async add(tx: Tx, values: Parameters<RefundStore['add']>[1]): Promise<Refund> {
    const refund = tx.create(Refund, values);
    await tx.insert(Refund, refund);
    return refund;
  }

  find(tx: Tx, id: string): Promise<Refund> {
    return tx.findOneByOrFail(Refund, { id });
  }

  async save(tx: Tx, refund: Refund): Promise<void> {
    await tx.save(refund);
  }

  get(id: string): Promise<Refund> {
    return this.db.primary.findOneByOrFail(Refund, { id });
  }
}
