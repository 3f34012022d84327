import { Database, type Tx } from '@ballast/database';
import { Intents, type IntentDraft } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';
import { LedgerTransaction, type LedgerTransactionKind } from './ledger.entity.js';
import { LedgerService } from './ledger.service.js';
import { Payment } from './payment.entity.js';
import { refundAtProvider, voidAtProvider } from './payment.intents.js';
import { PaymentService } from './payment.service.js';
import { PspSettlement } from './psp.settlement.js';
import { Refund } from './refund.entity.js';
import { RefundService } from './refund.service.js';

/** What became of a repair; `because` says why nothing was done. */
export interface Repaired {
  done: boolean;
  because?: string;
}
const done: Repaired = { done: true };
const not = (because: string): Repaired => ({ done: false, because });

/**
 * Puts payments right when a job or a person has found them wrong: by the operations of every day, after another look under the
 * payment's lock. So each may be asked for twice, or by two at once, and does nothing when things have moved on.
 */
@Injectable()
export class PaymentRepairs {
  constructor(
    private readonly db: Database,
    private readonly payments: PaymentService,
    private readonly refunds: RefundService,
    private readonly ledger: LedgerService,
    private readonly intents: Intents,
    private readonly settlement: PspSettlement,
  ) {}

  /** Whether the processor's own books have this payment's capture, once, as we would have made it. Asked outside any transaction. */
  async wasCaptured(id: string): Promise<boolean> {
    const payment = await this.db.primary.findOneBy(Payment, { id });
    if (!payment) return false;
    const { items } = await this.settlement.page({ orderIds: [payment.orderId] });
    const captures = items.filter(({ kind }) => kind === 'capture');
    const [only] = captures;
    const { amount, currency } = only?.amount ?? {};
    return captures.length === 1 && only!.key === `${id}:capture` && amount === payment.amount && currency === payment.currency;
  }

  /** Books a capture that `wasCaptured`. */
  async capture(tx: Tx, id: string): Promise<Repaired> {
    const payment = await lock(tx, id);
    if (!payment) return not('there is no such payment');
    if (payment.status === 'CAPTURED') return not('it is CAPTURED');
    await this.payments.settleCapture(tx, id, { state: 'succeeded' });
    return done;
  }

  /** Gives back what is left of a capture, if that is still `left`. */
  async giveBack(tx: Tx, id: string, left: number): Promise<Repaired> {
    const payment = await lock(tx, id);
    if (payment?.status !== 'CAPTURED') return not('there is no such capture');
    const now = payment.captured - payment.refunded;
    if (now !== left) return not(`${now} are left of it`);
    await this.refunds.book(tx, id, { amount: left, currency: payment.currency! });
    return done;
  }

  /** Tells the processor to let go of the money it holds. */
  async letGo(tx: Tx, id: string): Promise<Repaired> {
    const payment = await lock(tx, id);
    if (!payment || payment.isTombstone) return not('there is no such payment');
    if (['CAPTURED', 'CAPTURING', 'PENDING'].includes(payment.status)) return not(`it is ${payment.status}`);
    if (payment.status === 'AUTHORISED' || payment.status === 'CAPTURE_REFUSED') {
      payment.voided();
      await tx.save(payment);
    }
    return this.ask(tx, voidAtProvider({ paymentId: id }));
  }

  /** Tells the processor of a refund again, under the refund's own key: one that it has paid is not paid twice. */
  async tellAgain(tx: Tx, id: string): Promise<Repaired> {
    const refund = await tx.findOneBy(Refund, { id });
    if (!refund) return not('there is no such refund');
    await lock(tx, refund.paymentId);
    if ((await tx.findOneByOrFail(Refund, { id })).status === 'REVERSED') return not('it is REVERSED');
    return this.ask(tx, refundAtProvider({ refundId: id }));
  }

  /** Books whatever of a payment is missing in the ledger. What is written stays as it is. */
  async book(tx: Tx, id: string): Promise<Repaired> {
    const payment = await lock(tx, id);
    if (!payment) return not('there is no such payment');
    const refunds = await tx.findBy(Refund, { paymentId: id });
    const due: [LedgerTransactionKind, string, number][] = payment.status === 'CAPTURED' ? [['CAPTURE', id, payment.captured]] : [];
    for (const refund of refunds) {
      due.push(['REFUND', refund.id, refund.amount]);
      if (refund.status === 'REVERSED') due.push(['REFUND_REVERSAL', refund.id, refund.amount]);
    }
    let booked = 0;
    for (const [kind, reference, amount] of due) {
      if (amount === 0 || (await tx.existsBy(LedgerTransaction, { kind, reference }))) continue;
      await this.ledger.book(tx, { kind, reference, amount: { amount, currency: payment.currency! } });
      booked += 1;
    }
    return booked > 0 ? done : not('everything is booked');
  }

  /** Adds the intent unless it is waiting already: under the payment's lock, so that two repairs add one. */
  private async ask(tx: Tx, draft: IntentDraft): Promise<Repaired> {
    const waiting = await tx.query<unknown[]>(`SELECT FROM intent WHERE kind = $1 AND payload = $2::jsonb AND state <> 'DONE' LIMIT 1`, [
      draft.definition.kind,
      JSON.stringify(draft.payload),
    ]);
    if (waiting.length > 0) return not('the processor is being asked');
    await this.intents.add(tx, draft);
    return done;
  }
}

const lock = (tx: Tx, id: string) => tx.findOne(Payment, { where: { id }, lock: { mode: 'pessimistic_write' } });
