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

/** This service's own copy of a product, so that a basket can be filled while inventory is away. */
@Entity('catalogue')
export class CatalogueEntry {
  @PrimaryColumn('text')
  sku: string;

  @Column('text')
  name: string;

  @Column(() => Price, { prefix: false })
  price: Price;

  /** The newest version heard of; an older one that comes late is ignored. */
  @Column('integer')
  version: number;
}
