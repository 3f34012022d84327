import { Check, Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';
import { minorUnits } from './minor-units.js';

/**
 * PENDING: the processor is being asked to hold the money. AUTHORISED: it is held. DECLINED: it never will be.
 * CAPTURING: the processor is being asked to take it. CAPTURED: taken and booked. CAPTURE_REFUSED: held, but not to be had.
 * VOIDED: given up; whatever arrives later is refused.
 */
export type PaymentStatus = 'PENDING' | 'AUTHORISED' | 'DECLINED' | 'CAPTURING' | 'CAPTURED' | 'CAPTURE_REFUSED' | 'VOIDED';

/** Why the processor did not do what was asked: a failure code of the commands' contracts. */
export type RefusalCode = 'PAYMENT_DECLINED' | 'INSUFFICIENT_FUNDS' | 'CAPTURE_REFUSED';

/** What a buyer pays for one order. A row without an account is the tombstone of an order that was voided before it was authorised. */
@Entity('payment')
@Check('payment_never_past_the_amount', 'captured BETWEEN 0 AND amount')
@Check('payment_never_past_the_capture', 'refunded BETWEEN 0 AND captured')
export class Payment {
  @PrimaryColumn('uuid') id: string;
  @Column('uuid', { name: 'order_id', unique: true }) orderId: string;
  @Column('uuid', { name: 'account_id', nullable: true }) accountId: string | null;
  /** Minor units of `currency`, as `captured` and `refunded` are. */
  @Column('bigint', { transformer: minorUnits }) amount: number;
  @Column('text', { nullable: true }) currency: string | null;
  /** The processor's reference to the card; dropped as soon as the authorisation is settled. */
  @Column('text', { nullable: true }) token: string | null;
  @Column('text') status: PaymentStatus;
  @Column('text', { nullable: true }) refusal: RefusalCode | null;
  @Column('bigint', { transformer: minorUnits }) captured: number;
  /** Booked refunds, those included of which the processor has not heard yet. */
  @Column('bigint', { transformer: minorUnits }) refunded: number;
  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' }) createdAt: Date;
  @UpdateDateColumn({ name: 'updated_at', type: 'timestamptz' }) updatedAt: Date;

  static pending(
    id: string,
    order: { orderId: string; accountId: string; amount: { amount: number; currency: string }; token: string },
  ): Payment {
    const { orderId, accountId, amount, token } = order;
    return make({ id, orderId, accountId, amount: amount.amount, currency: amount.currency, token, status: 'PENDING' });
  }

  static tombstone(id: string, orderId: string): Payment {
    return make({ id, orderId, accountId: null, amount: 0, currency: null, token: null, status: 'VOIDED' });
  }

  /** Nothing was ever asked of the processor, nothing is shown to anyone. */
  get isTombstone(): boolean {
    return this.accountId === null;
  }

  authorised(): void {
    this.status = 'AUTHORISED';
    this.token = null;
  }

  declined(code: RefusalCode): void {
    this.status = 'DECLINED';
    this.refusal = code;
    this.token = null;
  }

  /** The whole amount was taken: at most once, and also when the payment was being given up meanwhile, since the money is here. */
  wasCaptured(): void {
    this.status = 'CAPTURED';
    this.captured = this.amount;
  }

  captureRefused(): void {
    if (this.status === 'CAPTURING') this.status = 'CAPTURE_REFUSED';
    this.refusal = 'CAPTURE_REFUSED';
  }

  voided(): void {
    this.status = 'VOIDED';
    this.token = null;
  }
}

const make = (fields: Partial<Payment>): Payment => Object.assign(new Payment(), { refusal: null, captured: 0, refunded: 0, ...fields });
