import type { Tx } from '@ballast/database';
import type { PayloadOf } from '@ballast/message';
import { Injectable } from '@nestjs/common';
import { errors } from './cart.errors.js';
import type { productChanged } from './cart.reads.js';
import { sku as skuFormat } from './cart.schema.js';
import { CatalogueEntry } from './catalogue.entity.js';

@Injectable()
export class CatalogueService {
  /** Takes over what inventory says of a product, unless something newer is known. */
  async learn(tx: Tx, { sku, name, price, version }: PayloadOf<typeof productChanged>): Promise<void> {
    await tx.query(
      `INSERT INTO catalogue (sku, name, price_amount, price_currency, version) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (sku) DO UPDATE SET name = excluded.name, price_amount = excluded.price_amount,
         price_currency = excluded.price_currency, version = excluded.version
       WHERE catalogue.version < excluded.version`,
      [sku, name, price.amount, price.currency, version],
    );
  }

  /** Throws `CART_UNKNOWN_SKU`. */
  async get(tx: Tx, sku: string): Promise<CatalogueEntry> {
    const product = skuFormat.safeParse(sku).success ? await tx.findOneBy(CatalogueEntry, { sku }) : null;
    if (!product) throw errors.UNKNOWN_SKU(sku);
    return product;
  }
}
