import type { Money } from '@ballast/contracts';
import type { Tx } from '@ballast/database';
import { Intents } from '@ballast/messaging';
import { Inject, Injectable } from '@nestjs/common';
import { LedgerService } from './ledger.service.js';
import { errors } from './payment.errors.js';
import { refundAtProvider } from './payment.intents.js';
import type { ProviderAnswer } from './payment.provider.js';
import { SqlPaymentStore, type PaymentStore } from './payment.store.js';
import type { Refund } from './refund.entity.js';
import { SqlRefundStore, type RefundStore } from './refund.store.js';

/** Money given back. It is in our books at once; the processor is told after the commit, and the booking reversed if it refuses. */
@Injectable()
export class RefundService {
  constructor(
    @Inject(SqlRefundStore) private readonly store: RefundStore,
    @Inject(SqlPaymentStore) private readonly payments: PaymentStore,
    private readonly ledger: LedgerService,
    private readonly intents: Intents,
  ) {}

  /**
   * Books the refund under the payment's row lock, so that any number of them at once never passes the capture.
   * Throws `PAYMENT_NOT_FOUND`, `PAYMENT_CURRENCY_MISMATCH`, `PAYMENT_REFUND_EXCEEDS_CAPTURE`.
   */
  async book(tx: Tx, paymentId: string, amount: Money): Promise<Refund> {
    const payment = await this.payments.lock(tx, { id: paymentId });
    if (!payment || payment.isTombstone) throw errors.NOT_FOUND(paymentId);
    if (amount.currency !== payment.currency) throw errors.CURRENCY_MISMATCH(paymentId, payment.currency!);
    const left = payment.captured - payment.refunded;
    if (amount.amount > left) throw errors.REFUND_EXCEEDS_CAPTURE(paymentId, left);

    payment.refunded += amount.amount;
    await this.payments.save(tx, payment);
    const refund = await this.store.add(tx, { id: this.store.nextId(), paymentId, ...amount, status: 'BOOKED' });
    await this.ledger.book(tx, { kind: 'REFUND', reference: refund.id, amount });
    await this.intents.add(tx, refundAtProvider({ refundId: refund.id }));
    return refund;
  }

  async settle(tx: Tx, refundId: string, answer: ProviderAnswer): Promise<void> {
    const { paymentId } = await this.store.find(tx, refundId);
    const payment = (await this.payments.lock(tx, { id: paymentId }))!;
    const refund = await this.store.find(tx, refundId);
    if (refund.status !== 'BOOKED') return;
    refund.status = answer.state === 'succeeded' ? 'SUCCEEDED' : 'REVERSED';
    await this.store.save(tx, refund);
    if (refund.status === 'SUCCEEDED') return;
    payment.refunded -= refund.amount;
    await this.payments.save(tx, payment);
    const { amount, currency } = refund;
    await this.ledger.book(tx, { kind: 'REFUND_REVERSAL', reference: refundId, amount: { amount, currency } });
  }

  get(id: string): Promise<Refund> {
    return this.store.get(id);
  }
}
