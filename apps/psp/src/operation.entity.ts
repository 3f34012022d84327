import { Column, Entity, PrimaryColumn, type ValueTransformer } from 'typeorm';

/** Minor units stay below 2^53 (the request schema sees to it), so a bigint column is a number here. */
const minorUnits: ValueTransformer = { to: (value: unknown) => value, from: (value: string) => Number(value) };

export type OperationKind = 'authorisation' | 'capture' | 'refund' | 'cancellation';

/**
 * `received`: the key is recorded, no work was begun. `processing`: it ends when `dueAt` has passed. The rest is final,
 * but for a succeeded authorisation, which a cancellation may still release.
 */
export type OperationState = 'received' | 'processing' | 'succeeded' | 'failed' | 'cancelled';

/** One call of a merchant, told from others by the merchant's own key, and what became of it. */
@Entity('operation')
export class Operation {
  @PrimaryColumn('text') key: string;
  /** Order of arrival; the cursor of the books. */
  @Column({ type: 'bigint', transformer: minorUnits, insert: false, update: false }) seq: number;
  /** `null`: cancelled before it arrived. The row is the tombstone that refuses the late call. */
  @Column('text', { nullable: true }) kind: OperationKind | null;
  @Column('text') state: OperationState;
  /** Why it failed. */
  @Column('text', { nullable: true }) code: string | null;
  /** Of the request's body: the same key with another body is refused. */
  @Column('text', { nullable: true }) digest: string | null;
  /** The operation that a capture, refund or cancellation is about. */
  @Column('text', { nullable: true }) target: string | null;
  @Column('text', { nullable: true }) token: string | null;
  /** The merchant's own name for the sale; captures and refunds inherit it from their authorisation. */
  @Column('text', { nullable: true }) reference: string | null;
  @Column('bigint', { transformer: minorUnits }) amount: number;
  @Column('text', { nullable: true }) currency: string | null;
  /** Of an authorisation: what was taken of it and what of that was given back, in minor units. */
  @Column('bigint', { transformer: minorUnits }) captured: number;
  @Column('bigint', { transformer: minorUnits }) refunded: number;
  /** How often the key was called. */
  @Column('int') calls: number;
  @Column('timestamptz', { name: 'due_at', nullable: true }) dueAt: Date | null;
}
