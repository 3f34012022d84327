import { Database, type Tx } from '@ballast/database';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Payment } from './payment.entity.js';

export type PaymentKey = { id: string } | { orderId: string };

/** Payments, one per order. */
export interface PaymentStore {
  nextId(): string;
  /** The payment, locked until the end of the transaction; null when there is none. */
  lock(tx: Tx, key: PaymentKey): Promise<Payment | null>;
  /** Writes it unless its order has one: the unique order id lets only one win. */
  addIfNew(tx: Tx, payment: Payment): Promise<void>;
  /** Writes what changes in a payment's life, of one that is locked. */
  save(tx: Tx, payment: Payment): Promise<void>;
  /** From the primary, outside of a transaction. Rejects when there is none. */
  get(id: string): Promise<Payment>;
  /** Those that fit, of this account or of any; tombstones are among them. */
  find(key: PaymentKey, accountId?: string): Promise<Payment[]>;
}

@Injectable()
export class SqlPaymentStore implements PaymentStore {
  constructor(private readonly db: Database) {}

  nextId(): string {
    return uuidv7();
  }

  lock(tx: Tx, where: PaymentKey): Promise<Payment | null> {
    return tx.findOne(Payment, { where, lock: { mode: 'pessimistic_write' } });
  }

  async addIfNew(tx: Tx, payment: Payment): Promise<void> {
    await tx.createQueryBuilder().insert().into(Payment).values(payment).orIgnore().updateEntity(false).execute();
  }

  async save(tx: Tx, { id, status, refusal, token, captured, refunded }: Payment): Promise<void> {
    await tx.update(Payment, { id }, { status, refusal, token, captured, refunded });
  }

  get(id: string): Promise<Payment> {
    return this.db.primary.findOneByOrFail(Payment, { id });
  }

  find(where: PaymentKey, accountId?: string): Promise<Payment[]> {
    return this.db.primary.findBy(Payment, { ...where, ...(accountId && { accountId }) });
  }
}
