import { setTimeout as sleep } from 'node:timers/promises';
import { type Finding, identityOf, saysTheSame } from './finding.js';
import { judge } from './judge.js';
import { kinds } from './kinds.js';
import type { Library } from './library.js';
import type { Operator } from './operator.js';
import type { OpenDifference, Register } from './register.js';
import { trialBalance } from './rules/ledger.js';
import { product } from './rules/stock.js';
import { lost } from './ways.js';

/** Tries of a repair after which a person has to look. */
export const TRIES = 3;
/** ms between the two looks, so that what was written between the reading of two books is not taken for a difference. */
const SECOND_LOOK = 1_000;
/** What was changed this long before the last cut-off is looked at again: clocks of services differ, and transactions take time. ms. */
const OVERLAP = 60_000;

export interface RunOptions {
  /** `changed`: what changed since the last run, and what is open. */
  readonly scope: 'full' | 'changed';
  /** Instead of the last run's cut-off. */
  readonly since?: Date;
  /** ms: what changed more recently is not judged, since the others may not have heard. */
  readonly grace: number;
  /** ms for which the way of a message has to be free before it counts as lost. */
  readonly messages: number;
  readonly repair: boolean;
  /** Writes nothing anywhere: no repair, no line in the register. */
  readonly dryRun: boolean;
  /** Whoever stops a job waits for the run under way: it then watches no message any longer. */
  readonly stopping?: AbortSignal;
}

export interface Outcome {
  readonly cutOff: string;
  readonly scope: 'full' | 'changed';
  readonly judged: number;
  readonly inMotion: number;
  /** Messages that may still come: what they would change is no difference yet. */
  readonly onTheirWay: number;
  readonly durationMs: number;
  readonly differences: readonly Reported[];
  /** Open differences that are gone. */
  readonly resolved: readonly OpenDifference[];
}

/** A finding, and what was done about it. */
export interface Reported extends Finding {
  readonly severity: 'page' | 'ticket';
  /** `repair`: it is or would be repaired. `escalate`: a person has to decide. */
  readonly action: 'repair' | 'escalate';
  readonly firstSeen: string;
  /** What the owner answered to a repair, when one was tried now. */
  readonly repaired?: string;
}

/** Reads all books, compares them, looks at every difference a second time, repairs what may be repaired, and writes it down. */
export async function run(tools: { library: Library; register: Register; operator: Operator }, options: RunOptions): Promise<Outcome> {
  const { library, register, operator } = tools;
  const { grace, dryRun } = options;
  const started = Date.now();
  const state = await register.state();
  const scope = options.scope === 'full' || (!state.cutOff && !options.since) ? 'full' : 'changed';

  const cutOff = new Date();
  const sales = scope === 'full' ? library.everything() : library.some(await changed(library, state, options));
  const suspects = new Map<string, Finding>();
  // Of those that were judged only the ones in the register are remembered: a full run keeps no list of all orders.
  const registered = new Set(state.open.map(({ orderId }) => orderId));
  const judgedAgain = new Set<string>();
  let judged = 0;
  let inMotion = 0;
  for await (const sale of sales) {
    const verdict = judge(sale, Date.now(), grace);
    if (!verdict.judged) {
      inMotion += 1;
      continue;
    }
    judged += 1;
    if (registered.has(sale.orderId)) judgedAgain.add(sale.orderId);
    for (const finding of verdict.findings) suspects.set(identityOf(finding), finding);
  }
  for (const finding of await totals(library)) suspects.set(identityOf(finding), finding);

  const known = new Map(state.open.map((difference) => [identityOf(difference), difference]));
  const standing = suspects.size > 0 ? await withoutLate(operator, suspects, options) : suspects;
  const confirmed = standing.size > 0 ? await secondLook(library, standing, grace) : [];
  const differences: Reported[] = [];
  for (const finding of confirmed) {
    const before = known.get(identityOf(finding));
    const action = finding.repair && (before?.repairs ?? 0) < TRIES ? 'repair' : 'escalate';
    const repaired = action === 'repair' && options.repair && !dryRun ? await mend(operator, finding) : undefined;
    const firstSeen = before?.firstSeen ?? cutOff.toISOString();
    differences.push({ ...finding, severity: kinds[finding.kind].severity, action, firstSeen, ...(repaired && { repaired }) });
  }

  // What looked different the first time and not quite so the second, or waits for a message, is neither a difference nor gone.
  const resolved = state.open.filter(
    (difference) => !suspects.has(identityOf(difference)) && (!difference.orderId || judgedAgain.has(difference.orderId)),
  );
  const outcome: Outcome = {
    ...{ cutOff: cutOff.toISOString(), scope, judged, inMotion, onTheirWay: suspects.size - standing.size },
    ...{ durationMs: Date.now() - started, differences, resolved },
  };
  if (!dryRun) await register.record(outcome);
  return outcome;
}

/** What any book changed since the last look, and what was found and is not resolved. */
async function changed(library: Library, state: Awaited<ReturnType<Register['state']>>, { since, grace }: RunOptions): Promise<string[]> {
  const from = since?.getTime() ?? Date.parse(state.cutOff!) - grace - OVERLAP;
  const ids = await library.touched(new Date(from));
  for (const { orderId } of state.open) if (orderId) ids.add(orderId);
  return [...ids].sort();
}

/** What no single order shows: products, and the ledger as a whole. */
async function totals(library: Library): Promise<Finding[]> {
  const [products, accounts] = await Promise.all([library.products(), library.trialBalance()]);
  return [...products.flatMap(product), ...trialBalance(accounts)];
}

/** Lets a moment pass, or as long as it takes to tell a message that is lost from one that is late. What waits for a late one is left out. */
async function withoutLate(
  operator: Operator,
  suspects: ReadonlyMap<string, Finding>,
  { messages, stopping }: RunOptions,
): Promise<ReadonlyMap<string, Finding>> {
  const missing = [...suspects.values()].flatMap(({ message }) => message ?? []);
  const [gone] = await Promise.all([lost(operator, missing, messages, stopping), sleep(SECOND_LOOK)]);
  return new Map([...suspects].filter(([, { message }]) => !message || gone.has(message)));
}

/**
 * Books are read one after the other while the shop goes on. A difference is one that says the same in two readings, a moment apart.
 */
async function secondLook(library: Library, suspects: ReadonlyMap<string, Finding>, grace: number): Promise<Finding[]> {
  const again: Finding[] = [];
  const orderIds = new Set([...suspects.values()].flatMap(({ orderId }) => (orderId ? [orderId] : [])));
  for await (const sale of library.some([...orderIds].sort())) {
    const verdict = judge(sale, Date.now(), grace);
    if (verdict.judged) again.push(...verdict.findings);
  }
  if ([...suspects.values()].some(({ orderId }) => !orderId)) again.push(...(await totals(library)));
  return again.filter((finding) => saysTheSame(finding, suspects.get(identityOf(finding))));
}

/** Asks the owner, who looks again under its own locks. What it says is for the report; nothing is forced. */
async function mend(operator: Operator, { repair }: Finding): Promise<string> {
  const { service, path, body } = repair!;
  try {
    const answer = await operator.post(service, `repairs/${path}`, body);
    const { done, because, code } = answer.body as { done?: boolean; because?: string; code?: string };
    if (done) return 'done';
    return because ? `not done: ${because}` : `refused with ${answer.status} ${code ?? ''}`.trim();
  } catch (error) {
    return `failed: ${(error as Error).message}`;
  }
}
