import { z } from 'zod';

/** Money: integer minor units (cents) and an ISO 4217 code. Never a float. */
export const money = z.object({
  amount: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  currency: z.string().regex(/^[A-Z]{3}$/, 'an ISO 4217 code such as EUR'),
});
export type Money = z.output<typeof money>;
