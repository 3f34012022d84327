import { z } from 'zod';

const reference = z.string().min(1).max(200);

/** Sales by the merchant's references (several with commas, each encoded as a part of a URL), or those after one, in the order of their bytes. */
export const salesQuery = z.object({
  references: z
    .string()
    .transform((text) => text.split(',').map(decoded))
    .pipe(z.array(reference).min(1).max(100))
    .optional(),
  after: reference.optional(),
});
export type SalesQuery = z.output<typeof salesQuery>;
/** Nothing here is older than 1970, so since any earlier time, even one that Postgres cannot hold (the year 0), means everything. */
const since = z.iso.datetime().transform((time) => new Date(Math.max(Date.parse(time), 0)).toISOString());
export const touchedQuery = z.object({ since, after: reference.optional() });
export type TouchedQuery = z.output<typeof touchedQuery>;

/** An operation that took effect, and when. `reference`: the merchant's name for the sale, or the key where there is none. */
const settled = z.object({
  key: z.string(),
  kind: z.string().nullable(),
  amount: z.object({ amount: z.int(), currency: z.string() }).nullable(),
  target: z.string().nullable(),
  reference: z.string(),
  at: z.iso.datetime(),
});
export type Settled = z.output<typeof settled>;

/** Whole sales only; `next` is what to ask for as `after`. */
export const salesView = z.object({ items: z.array(settled), next: z.string().nullable() });
export const touchedView = z.object({ references: z.array(z.string()), next: z.string().nullable() });

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
