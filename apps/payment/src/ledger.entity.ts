import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';
import { minorUnits } from './minor-units.js';

/**
 * The chart of accounts. `psp-receivable` (asset): what the processor owes us. `sales` (income): what was captured.
 * `refunds` (contra income): what was given back, kept apart from sales so that both stay readable.
 */
export type LedgerAccount = 'psp-receivable' | 'sales' | 'refunds';
export type LedgerTransactionKind = 'CAPTURE' | 'REFUND' | 'REFUND_REVERSAL';

/** One event in the books. `(kind, reference)` is unique: a payment is captured, a refund booked or reversed, once. */
@Entity('ledger_transaction')
export class LedgerTransaction {
  @PrimaryColumn('uuid') id: string;
  @Column('text') kind: LedgerTransactionKind;
  /** The payment's id, or the refund's. */
  @Column('uuid') reference: string;
  @CreateDateColumn({ name: 'booked_at', type: 'timestamptz' }) bookedAt: Date;
}

/** One side of a transaction, in minor units; exactly one of `debit` and `credit` is not 0. Never changed, never deleted. */
@Entity('ledger_entry')
export class LedgerEntry {
  @PrimaryColumn('uuid') id: string;
  @Column('uuid', { name: 'transaction_id' }) transactionId: string;
  @Column('text') account: LedgerAccount;
  @Column('text') currency: string;
  @Column('bigint', { transformer: minorUnits }) debit: number;
  @Column('bigint', { transformer: minorUnits }) credit: number;
}
