import { wholeNumber } from '@ballast/service';
import { z } from 'zod';

// The processor's own vocabulary: a processor does not know the shop that calls it, so nothing here comes from its contracts.

export const key = z.string().min(1).max(200);
/** Nothing at all may be authorised and captured too: an order can be free. */
const money = z.object({ amount: z.int().min(0).max(Number.MAX_SAFE_INTEGER), currency: z.string().regex(/^[A-Z]{3}$/) });

export const authorisationRequest = z.object({ amount: money, token: z.string().min(1).max(200), reference: z.string().min(1).max(200) });
export const captureRequest = z.object({ authorisation: key, amount: money });
export const refundRequest = z.object({ authorisation: key, amount: money });
export const cancellationRequest = z.object({ operation: key, reference: z.string().min(1).max(200).optional() });
export const settlementQuery = z.object({
  reference: z.string().optional(),
  limit: wholeNumber(1, 1_000).default(1_000),
  cursor: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0),
});

export type AuthorisationRequest = z.output<typeof authorisationRequest>;
export type CaptureRequest = z.output<typeof captureRequest>;
export type RefundRequest = z.output<typeof refundRequest>;
export type CancellationRequest = z.output<typeof cancellationRequest>;
export type SettlementQuery = z.output<typeof settlementQuery>;

/** An operation as its merchant sees it. */
export const operationView = z.object({
  key: z.string(),
  kind: z.string().nullable(),
  state: z.enum(['processing', 'succeeded', 'failed', 'cancelled']),
  code: z.string().optional(),
  amount: z.object({ amount: z.int(), currency: z.string() }).nullable(),
  target: z.string().nullable(),
  reference: z.string().nullable(),
});
