import { money } from '@ballast/contracts';
import { pageOf, pageQuery, wholeNumber } from '@ballast/service';
import { z } from 'zod';

const currencies = new Set(Intl.supportedValuesOf('currency'));

export const sku = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, '1 to 64 letters, digits, dots, dashes or underscores');

/**
 * The body of PUT /products/:sku. `price.amount` is in minor units; its ceiling keeps the total of every possible cart
 * (100 lines of 999 pieces) an exact number.
 */
export const productChange = z.object({
  name: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^[^\u0000-\u001f\u007f-\u009f]+$/, 'no control characters'), // no \P{Cc}: an OpenAPI reader may not know it
  price: z.object({
    amount: z.int().min(0).max(10_000_000_000),
    currency: z.string().refine((code) => currencies.has(code), 'an ISO 4217 code such as EUR'),
  }),
  stock: z.int().min(0).max(1_000_000_000),
});
export type ProductChange = z.output<typeof productChange>;

/** A product as everyone sees it. `available` is on hand and not held for an order. */
export const productView = z.object({ sku, name: z.string(), price: money, available: z.int().min(0) });
export type ProductView = z.output<typeof productView>;

/** The query of GET /products: 50 products unless told, at most 200. */
export const productQuery = pageQuery.extend({ limit: wholeNumber(1, 200).default(50) });
export type ProductQuery = z.output<typeof productQuery>;

export const productList = pageOf(productView);
export type ProductList = z.output<typeof productList>;
