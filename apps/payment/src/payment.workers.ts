import type { Money } from '@ballast/contracts';
import type { Tx } from '@ballast/database';
import { Perform, type Attempt, type PerformOptions } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';
import type { Payment } from './payment.entity.js';
import { authoriseAtProvider, captureAtProvider, refundAtProvider, voidAtProvider } from './payment.intents.js';
import { PaymentProvider, type ProviderCall } from './payment.provider.js';
import { PaymentService } from './payment.service.js';
import { RefundService } from './refund.service.js';

/** The one layer that tries the provider again: durable, patient, and soon again after a stumble. */
const options: PerformOptions = { concurrency: 20, deadline: '12s', backoff: { initial: '200ms', max: '5s' } };

type OfPayment = Attempt<{ paymentId: string }>;

/** The provider's keys of a payment. Fixed for ever: they are what makes a second call harmless. */
const keys = (paymentId: string) => ({ authorise: `${paymentId}:authorise`, capture: `${paymentId}:capture`, void: `${paymentId}:void` });
const call = ({ attempt, signal }: Attempt): ProviderCall => ({ signal, repeated: attempt > 1 });
const money = (payment: Payment): Money => ({ amount: payment.amount, currency: payment.currency! });

/** Asks the provider, outside any transaction, and settles what it said. A throw leaves the intent for another attempt. */
@Injectable()
export class PaymentWorkers {
  constructor(
    private readonly payments: PaymentService,
    private readonly refunds: RefundService,
    private readonly provider: PaymentProvider,
  ) {}

  @Perform(authoriseAtProvider, options)
  async authorise(attempt: OfPayment) {
    const { paymentId } = attempt.payload;
    const payment = await this.payments.get(paymentId);
    const { status, token, orderId } = payment;
    if (status !== 'PENDING') return (tx: Tx) => this.payments.settleAuthorisation(tx, paymentId);
    const request = { key: keys(paymentId).authorise, amount: money(payment), token: token!, reference: orderId };
    const answer = await this.provider.authorise(request, call(attempt));
    return (tx: Tx) => this.payments.settleAuthorisation(tx, paymentId, answer);
  }

  @Perform(voidAtProvider, options)
  async void(attempt: OfPayment) {
    const { paymentId } = attempt.payload;
    const { authorise, void: key } = keys(paymentId);
    const { orderId: reference } = await this.payments.get(paymentId);
    const answer = await this.provider.cancel({ key, operation: authorise, reference }, call(attempt));
    return (tx: Tx) => this.payments.settleVoid(tx, paymentId, answer);
  }

  @Perform(captureAtProvider, options)
  async capture(attempt: OfPayment) {
    const { paymentId } = attempt.payload;
    const payment = await this.payments.get(paymentId);
    if (payment.status !== 'CAPTURING') return (tx: Tx) => this.payments.settleCapture(tx, paymentId);
    const { authorise, capture: key } = keys(paymentId);
    const answer = await this.provider.capture({ key, authorisation: authorise, amount: money(payment) }, call(attempt));
    return (tx: Tx) => this.payments.settleCapture(tx, paymentId, answer);
  }

  @Perform(refundAtProvider, options)
  async refund(attempt: Attempt<{ refundId: string }>) {
    const { refundId: id } = attempt.payload;
    const { paymentId, amount, currency } = await this.refunds.get(id);
    const request = { key: id, authorisation: keys(paymentId).authorise, amount: { amount, currency } };
    const answer = await this.provider.refund(request, call(attempt));
    return (tx: Tx) => this.refunds.settle(tx, id, answer);
  }
}
