import type { LineItem, Money } from '@ballast/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

export type OrderStatus = 'PENDING' | 'CONFIRMED' | 'REJECTED';

/** A checkout as the buyer knows it. Its progress is the saga's: same id. */
@Entity('orders')
export class Order {
  @PrimaryColumn('uuid') id: string;
  @Column('uuid', { name: 'buyer_id' }) accountId: string;
  @Column('uuid', { name: 'cart_id' }) cartId: string;
  @Column('text') status: OrderStatus;
  /** Why it was rejected: the failure code of the step that was refused. */
  @Column('text', { nullable: true }) reason: string | null;
  @Column('jsonb') items: LineItem[];
  @Column('jsonb') total: Money;
  @Column('timestamptz', { name: 'created_at', default: () => 'now()' }) createdAt: Date;
}
