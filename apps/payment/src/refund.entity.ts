import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';
import { minorUnits } from './minor-units.js';

/** BOOKED: in our books, the processor is being told. SUCCEEDED: it has paid. REVERSED: it refused, the booking was taken back. */
export type RefundStatus = 'BOOKED' | 'SUCCEEDED' | 'REVERSED';

@Entity('refund')
export class Refund {
  /** Also the key under which the processor knows it. */
  @PrimaryColumn('uuid') id: string;
  @Index() @Column('uuid', { name: 'payment_id' }) paymentId: string;
  @Column('bigint', { transformer: minorUnits }) amount: number;
  @Column('text') currency: string;
  @Column('text') status: RefundStatus;
  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' }) createdAt: Date;
}
