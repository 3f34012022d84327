import type { Money } from '@ballast/contracts';
import { Database, type Tx } from '@ballast/database';
import { Intents } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { LedgerService } from './ledger.service.js';
import { Payment } from './payment.entity.js';
import { errors } from './payment.errors.js';
import { refundAtProvider } from './payment.intents.js';
import type { ProviderAnswer } from './payment.provider.js';
import { Refund } from './refund.entity.js';

/** Money given back. It is in our books at once; the processor is told after the commit, and the booking reversed if it refuses. */
@Injectable()
export class RefundService {
  constructor(
    private readonly db: Database,
    private readonly ledger: LedgerService,
    private readonly intents: Intents,
  ) {}

  /**
   * Books the refund under the payment's row lock, so that any number of them at once never passes the capture.
   * Throws `PAYMENT_NOT_FOUND`, `PAYMENT_CURRENCY_MISMATCH`, `PAYMENT_REFUND_EXCEEDS_CAPTURE`.
   */
  async book(tx: Tx, paymentId: string, amount: Money): Promise<Refund> {
    const payment = await lock(tx, paymentId);
    if (!payment || payment.isTombstone) throw errors.NOT_FOUND(paymentId);
    if (amount.currency !== payment.currency) throw errors.CURRENCY_MISMATCH(paymentId, payment.currency!);
    const left = payment.captured - payment.refunded;
    if (amount.amount > left) throw errors.REFUND_EXCEEDS_CAPTURE(paymentId, left);

    payment.refunded += amount.amount;
    await tx.save(payment);
    const refund = tx.create(Refund, { id: uuidv7(), paymentId, ...amount, status: 'BOOKED' });
    await tx.insert(Refund, refund);
    await this.ledger.book(tx, { kind: 'REFUND', reference: refund.id, amount });
    await this.intents.add(tx, refundAtProvider({ refundId: refund.id }));
    return refund;
  }

  async settle(tx: Tx, refundId: string, answer: ProviderAnswer): Promise<void> {
    const { paymentId } = await tx.findOneByOrFail(Refund, { id: refundId });
    const payment = await lock(tx, paymentId);
    const refund = await tx.findOneByOrFail(Refund, { id: refundId });
    if (refund.status !== 'BOOKED') return;
    refund.status = answer.state === 'succeeded' ? 'SUCCEEDED' : 'REVERSED';
    await tx.save(refund);
    if (refund.status === 'SUCCEEDED') return;
    payment!.refunded -= refund.amount;
    await tx.save(payment);
    const { amount, currency } = refund;
    await this.ledger.book(tx, { kind: 'REFUND_REVERSAL', reference: refundId, amount: { amount, currency } });
  }

  get(id: string): Promise<Refund> {
    return this.db.primary.findOneByOrFail(Refund, { id });
  }
}

const lock = (tx: Tx, id: string) => tx.findOne(Payment, { where: { id }, lock: { mode: 'pessimistic_write' } });
