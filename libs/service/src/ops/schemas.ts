import { z } from 'zod';

/** A `bigint` column's id, as text: it may be larger than a number holds. */
export const rowId = z.string().regex(/^[1-9]\d{0,17}$/, 'is not an id');

/** What an operator says to it, in one line. No personal data: it is kept. */
export const remark = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), 'has characters that cannot be kept');
