import type { authorisePayment, capturePayment, voidPayment } from '@ballast/contracts';
import type { Tx } from '@ballast/database';
import type { PayloadOf } from '@ballast/message';
import { defer, refuse, type AnswerOf, type Deferred } from '@ballast/messaging';
import { Inject, Injectable } from '@nestjs/common';
import { LedgerService } from './ledger.service.js';
import { Payment, type RefusalCode } from './payment.entity.js';
import { authoriseAtProvider, captureAtProvider, voidAtProvider } from './payment.intents.js';
import type { ProviderAnswer } from './payment.provider.js';
import { SqlPaymentStore, type PaymentKey, type PaymentStore } from './payment.store.js';

type Settled<A> = Exclude<A, Deferred>;
type Authorisation = AnswerOf<typeof authorisePayment>;
type Void = AnswerOf<typeof voidPayment>;
type Capture = AnswerOf<typeof capturePayment>;

/**
 * A payment's life. A command changes the state and, when the processor has to be asked, defers its answer to an intent; the
 * `settle…` methods write down what the processor said. Each of them may run twice and in any order: all look at the locked
 * row first, and answer from it.
 */
@Injectable()
export class PaymentService {
  constructor(
    @Inject(SqlPaymentStore) private readonly store: PaymentStore,
    private readonly ledger: LedgerService,
  ) {}

  async authorise(tx: Tx, order: PayloadOf<typeof authorisePayment>): Promise<Authorisation> {
    const payment = await this.lockOrCreate(tx, Payment.pending(this.store.nextId(), order));
    return payment.status === 'PENDING' ? defer(authoriseAtProvider({ paymentId: payment.id })) : authorisationOf(payment);
  }

  /** `answer` is missing when the payment was no longer pending and nobody was asked. */
  async settleAuthorisation(tx: Tx, id: string, answer?: ProviderAnswer): Promise<Settled<Authorisation>> {
    const payment = await this.lock(tx, { id });
    if (payment.status === 'PENDING' && answer) {
      if (answer.state === 'succeeded') payment.authorised();
      else payment.declined(declineOf(answer.code));
      await this.store.save(tx, payment);
    }
    return authorisationOf(payment);
  }

  async void(tx: Tx, { orderId }: PayloadOf<typeof voidPayment>): Promise<Void> {
    const payment = await this.lockOrCreate(tx, Payment.tombstone(this.store.nextId(), orderId));
    if (payment.isTombstone || payment.status === 'DECLINED') return {};
    if (payment.status === 'CAPTURED') return refuse('PAYMENT_CAPTURED');
    // While a capture is under way the processor says which came first; in any other state nothing can stop the void.
    if (payment.status !== 'CAPTURING' && payment.status !== 'VOIDED') {
      payment.voided();
      await this.store.save(tx, payment);
    }
    return defer(voidAtProvider({ paymentId: payment.id }));
  }

  async settleVoid(tx: Tx, id: string, answer: ProviderAnswer): Promise<Settled<Void>> {
    const payment = await this.lock(tx, { id });
    if (answer.state === 'refused' || payment.status === 'CAPTURED') return refuse('PAYMENT_CAPTURED');
    if (payment.status !== 'VOIDED') {
      payment.voided();
      await this.store.save(tx, payment);
    }
    return {};
  }

  async capture(tx: Tx, { orderId }: PayloadOf<typeof capturePayment>): Promise<Capture> {
    const payment = await this.store.lock(tx, { orderId });
    if (payment?.status === 'AUTHORISED') {
      payment.status = 'CAPTURING';
      await this.store.save(tx, payment);
    }
    return payment?.status === 'CAPTURING' ? defer(captureAtProvider({ paymentId: payment.id })) : captureOf(payment);
  }

  /** Books the capture together with the change of state. `answer` is missing when nobody had to be asked any more. */
  async settleCapture(tx: Tx, id: string, answer?: ProviderAnswer): Promise<Settled<Capture>> {
    const payment = await this.lock(tx, { id });
    if (payment.status !== 'CAPTURED' && answer?.state === 'succeeded') {
      payment.wasCaptured();
      await this.store.save(tx, payment);
      await this.ledger.book(tx, { kind: 'CAPTURE', reference: id, amount: { amount: payment.captured, currency: payment.currency! } });
    } else if (payment.status !== 'CAPTURED' && answer) {
      payment.captureRefused();
      await this.store.save(tx, payment);
    }
    return captureOf(payment);
  }

  /** From the primary: a worker decides by it whether the processor has to be asked. */
  get(id: string): Promise<Payment> {
    return this.store.get(id);
  }

  /** Payments that fit and that the account may see; `undefined` may see all of them. */
  async find(key: PaymentKey, accountId?: string): Promise<Payment[]> {
    return (await this.store.find(key, accountId)).filter((payment) => !payment.isTombstone);
  }

  /** The order's payment, locked. When there is none yet, `draft` becomes it: the unique order id lets only one win. */
  private async lockOrCreate(tx: Tx, draft: Payment): Promise<Payment> {
    await this.store.addIfNew(tx, draft);
    return this.lock(tx, { orderId: draft.orderId });
  }

  private async lock(tx: Tx, key: PaymentKey): Promise<Payment> {
    return found(await this.store.lock(tx, key), key);
  }
}

function found(payment: Payment | null, key: PaymentKey): Payment {
  if (!payment) throw new Error(`there is no payment ${JSON.stringify(key)}`);
  return payment;
}

const declineOf = (code: string): RefusalCode => (code === 'insufficient_funds' ? 'INSUFFICIENT_FUNDS' : 'PAYMENT_DECLINED');

function authorisationOf(payment: Payment): Settled<Authorisation> {
  if (payment.status === 'VOIDED') return refuse('PAYMENT_VOIDED');
  if (payment.status === 'DECLINED') return refuse(payment.refusal === 'INSUFFICIENT_FUNDS' ? 'INSUFFICIENT_FUNDS' : 'PAYMENT_DECLINED');
  return { paymentId: payment.id };
}

function captureOf(payment: Payment | null): Settled<Capture> {
  if (payment?.status === 'CAPTURED') return {};
  return refuse(payment?.refusal === 'CAPTURE_REFUSED' ? 'CAPTURE_REFUSED' : 'NOT_AUTHORISED');
}
