import { productChanged } from '@ballast/contracts';
import { Database, type Tx } from '@ballast/database';
import { Outbox } from '@ballast/messaging';
import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import { Product } from './product.entity.js';
import { errors } from './product.errors.js';
import { sku as skuFormat, type ProductChange } from './product.schema.js';

@Injectable()
export class ProductService {
  constructor(
    private readonly db: Database,
    private readonly outbox: Outbox,
  ) {}

  /** Up to `take` products in the order of their SKUs, from the first after `after`. May lag behind the primary. */
  list(take: number, after = ''): Promise<Product[]> {
    return this.db.replica.find(Product, { where: { sku: MoreThan(after) }, order: { sku: 'ASC' }, take });
  }

  /** May lag behind the primary. */
  async get(sku: string): Promise<Product> {
    const product = skuFormat.safeParse(sku).success ? await this.db.replica.findOneBy(Product, { sku }) : null;
    if (!product) throw errors.NOT_FOUND(sku);
    return product;
  }

  /** Creates the product or changes it. Others hear of a new name or price, in the same transaction; stock is nobody else's business. */
  put(sku: string, change: ProductChange): Promise<Product> {
    return this.db.transaction(async (tx) => {
      const created = await create(tx, sku, change);
      const product = await tx.findOneOrFail(Product, { where: { sku }, lock: { mode: 'pessimistic_write' } });
      const { onHand } = product;
      if (created || apply(product, change)) await this.outbox.add(tx, productChanged(product));
      if (!created) await tx.update(Product, { sku }, product);
      if (product.onHand !== onHand) await receive(tx, sku, product.onHand - onHand);
      return product;
    });
  }
}

/** True when the product was new. Of two first requests at once the second waits here for the first to commit. */
async function create(tx: Tx, sku: string, { name, price, stock }: ProductChange): Promise<boolean> {
  const rows: unknown[] = await tx.query(
    `INSERT INTO product (sku, name, price_amount, price_currency, on_hand) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (sku) DO NOTHING RETURNING sku`,
    [sku, name, price.amount, price.currency, stock],
  );
  return rows.length > 0;
}

/** Writes down why the shelf holds more or less than before; a new product's opening is written by the database. */
const receive = (tx: Tx, sku: string, quantity: number): Promise<unknown> =>
  tx.query(`INSERT INTO stock_receipt (sku, quantity, why) VALUES ($1, $2, 'SET')`, [sku, quantity]);

/** Changes the product; true when others need to hear of it. Throws `PRODUCT_STOCK_BELOW_RESERVED`. */
export function apply(product: Product, { name, price, stock }: ProductChange): boolean {
  if (stock < product.reserved) throw errors.STOCK_BELOW_RESERVED(product.sku, product.reserved);
  product.onHand = stock;
  if (name === product.name && price.amount === product.price.amount && price.currency === product.price.currency) return false;
  product.name = name;
  product.price = price;
  product.version += 1;
  return true;
}
