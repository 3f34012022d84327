import { money } from '@ballast/contracts';
import type { HttpCall } from '@ballast/service/manifest';
import { z } from 'zod';

const reference = z.string().min(1).max(200);

/** What payment reads of the processor's answers. */
export const operation = z.object({ state: z.enum(['processing', 'succeeded', 'failed', 'cancelled']), code: z.string().optional() });
export type Operation = z.output<typeof operation>;

const settles = <S extends z.ZodType>(path: string, sends: S) => ({ to: 'psp', method: 'POST', path, sends, reads: operation }) as const;

const sold = z.object({
  key: z.string(),
  kind: z.string().nullable(),
  amount: z.object({ amount: z.int(), currency: z.string() }).nullable(),
  target: z.string().nullable(),
  reference: z.string(),
  at: z.string(),
});

/** Payment's calls to the processor: its tests hold it to them. */
export const psp = {
  authorise: settles('/v1/authorisations', z.object({ amount: money, token: reference, reference })),
  capture: settles('/v1/captures', z.object({ authorisation: reference, amount: money })),
  refund: settles('/v1/refunds', z.object({ authorisation: reference, amount: money })),
  cancel: settles('/v1/cancellations', z.object({ operation: reference, reference })),
  sales: { to: 'psp', method: 'GET', path: '/v1/settlement/sales', reads: z.object({ items: z.array(sold), next: z.string().nullable() }) },
  soldSince: {
    ...{ to: 'psp', method: 'GET', path: '/v1/settlement/sales/touched' },
    reads: z.object({ references: z.array(z.string()), next: z.string().nullable() }),
  },
  ask: { to: 'psp', method: 'GET', path: '/v1/operations/:key', reads: operation },
} as const satisfies Record<string, HttpCall>;
