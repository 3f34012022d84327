import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * What became of an order's claim on stock; its lines are rows of `reservation_item`.
 *
 * RELEASED is also a tombstone: a release that overtakes its reservation leaves this row, and the reservation is refused
 * when it comes. It ends by the saga's release or commit only, never by a clock of its own.
 */
@Entity()
export class Reservation {
  @PrimaryColumn('uuid', { name: 'order_id' })
  orderId: string;

  @Column('text')
  state: 'HELD' | 'COMMITTED' | 'RELEASED';

  /** Why nothing was ever held, so that a repeated command gets the same answer. */
  @Column('text', { nullable: true })
  refusal: 'OUT_OF_STOCK' | 'UNKNOWN_SKU' | null;

  /** When it came into this state. */
  @Column('timestamptz')
  since: Date;
}
