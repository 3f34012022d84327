import { moment } from '@ballast/contracts';
import { pageQuery } from '@ballast/service';
import { z } from 'zod';

const code = z.string().regex(/^[A-Z][A-Z_]{0,59}$/);
const text = z.string().min(1).max(500);

const difference = z.object({
  kind: code,
  subject: z.string().min(1).max(250),
  orderId: z.string().max(200).nullish(),
  severity: z.enum(['page', 'ticket']),
  amount: z.object({ amount: z.int(), currency: z.string().max(3) }).nullish(),
  detail: text,
  /** What a repair was answered, when one was tried in this run. */
  repair: text.nullish(),
});
export type Difference = z.output<typeof difference>;

/** What a run found, in parts of 100. Each is one transaction; only the last one counts as a run. */
export const runRequest = z.object({
  /** Changes up to here were looked at. */
  cutOff: moment,
  scope: z.enum(['full', 'changed']),
  judged: z.int().min(0),
  inMotion: z.int().min(0),
  durationMs: z.int().min(0),
  /** How many it found in all. */
  found: z.int().min(0),
  differences: z.array(difference).max(100),
  /** Ids of open differences that were looked for and are gone. */
  resolved: z.array(z.uuid()).max(1_000),
  /** More of this run comes: until the last part is here, the next run begins where this one began. */
  more: z.boolean().default(false),
});
export type RunRequest = z.output<typeof runRequest>;

export const differenceView = z.object({
  id: z.uuid(),
  kind: z.string(),
  subject: z.string(),
  orderId: z.string().nullable(),
  severity: z.string(),
  amount: z.object({ amount: z.int(), currency: z.string() }).nullable(),
  detail: z.string(),
  /** How often a repair was tried, and what it was answered last. */
  repairs: z.int(),
  lastRepair: z.string().nullable(),
  firstSeen: z.iso.datetime(),
  lastSeen: z.iso.datetime(),
  resolvedAt: z.iso.datetime().nullable(),
});
export type DifferenceView = z.output<typeof differenceView>;

export const differencesQuery = pageQuery.extend({ state: z.enum(['open', 'resolved']).default('open'), kind: code.optional() });
export type DifferencesQuery = z.output<typeof differencesQuery>;

/** Where the next run begins, and what it has to look at again. */
export const stateView = z.object({
  cutOff: z.iso.datetime().nullable(),
  fullAt: z.iso.datetime().nullable(),
  open: z.array(differenceView),
});
