import type { Money } from '@ballast/contracts';
import { Column, Entity, PrimaryColumn, type ValueTransformer } from 'typeorm';

/** pg hands a bigint over as text; every amount here is far below 2^53. */
const integer: ValueTransformer = { to: (value: number) => value, from: Number };

export class Price implements Money {
  @Column('bigint', { name: 'price_amount', transformer: integer })
  amount: number;

  @Column('text', { name: 'price_currency' })
  currency: string;
}

/** What is sold, and how much of it there is. `0 <= reserved <= onHand` is a CHECK of the table: the database never oversells. */
@Entity()
export class Product {
  @PrimaryColumn('text')
  sku: string;

  @Column('text')
  name: string;

  @Column(() => Price, { prefix: false })
  price: Price;

  /** Pieces on the shelf, those held for orders included. */
  @Column('integer', { name: 'on_hand' })
  onHand: number;

  /** Pieces held for orders that are not yet final. */
  @Column('integer')
  reserved: number;

  /** Counts the states others were told of: up with name and price, not with stock. */
  @Column('integer')
  version: number;
}
