import type { Failure } from './answers.js';
import type { Acknowledgement, OrderEnd } from './load.js';
import type { Write } from './writer.js';

/** What one trial was, in milliseconds since 1970 and counts; what was seen is measured afterwards. */
export interface Window {
  /** Everything was well, and it began. */
  startedAt: number;
  /** The first fault of the method. */
  faultAt: number;
  /** The steady state was back, or was given up. */
  endedAt: number;
}

/** Times in milliseconds; undefined: never. */
export interface Measures {
  /** From the fault to the first acknowledgement of a checkout that was asked for after it. */
  recovery?: number;
  /** The longest time without an acknowledged checkout, from the fault on. */
  gap: number;
  /** The longest time without a row of the bare writer acknowledged, from the fault on; undefined: none came any more. */
  writer?: number;
  /** The longest an order waited for its end, from the fault on; undefined when one has not ended. */
  sagas?: number;
  acknowledged: number;
  /** Turns of the load that found no buyer without an order on its way, and so were none. */
  unserved: number;
  /** Requests that met a gateway which was gone, or lost it before the answer, and were sent again at another one. */
  resent?: number;
  /** Of the bare writer, from the fault on. */
  rows: number;
  /** Rows acknowledged on a timeline when a later one had acknowledged already: two primaries. */
  backwards: number;
  /** By kind. */
  failed: Record<string, number>;
  /** Those that were not refused politely. */
  rude: number;
  /** Those that another server could have answered. */
  needless: number;
}

/** What was seen of all trials. */
export interface Seen {
  acknowledged: readonly Acknowledgement[];
  writes: readonly Write[];
  ends: readonly OrderEnd[];
  failures: readonly Failure[];
  unserved: readonly number[];
  resent: readonly number[];
}

export function measure(window: Window, { acknowledged, writes, ends, failures, unserved, resent }: Seen): Measures {
  const { startedAt, faultAt, endedAt } = window;
  const failed = failures.filter(({ at }) => at >= startedAt && at <= endedAt);
  const own = writes.filter(({ at }) => at >= startedAt && at <= endedAt);
  // Those that were asked for inside a server say nothing of the writer.
  const bare = own.filter(({ n }) => n > 0);
  const recovery = firstAfter(acknowledged, faultAt, endedAt);
  // A server lives a moment longer than the order to kill it: the gap tells, not the first row after the order.
  const writer = firstAfter(bare, faultAt, endedAt) === undefined ? undefined : longestGap(bare, faultAt, endedAt);
  const sagas = longestWait(ends, window);
  return {
    ...(recovery !== undefined && { recovery }),
    ...(writer !== undefined && { writer }),
    ...(sagas !== undefined && { sagas }),
    gap: longestGap(acknowledged, faultAt, endedAt),
    acknowledged: acknowledged.filter(({ at }) => at >= startedAt && at <= endedAt).length,
    unserved: unserved.filter((at) => at >= startedAt && at <= endedAt).length,
    resent: resent.filter((at) => at >= startedAt && at <= endedAt).length,
    rows: bare.filter(({ at }) => at > faultAt).length,
    backwards: backwards(own),
    failed: tally(failed.map(({ kind }) => kind)),
    rude: failed.filter(({ polite }) => !polite).length,
    needless: failed.filter(({ unsafe }) => !unsafe).length,
  };
}

function firstAfter(all: readonly { asked: number; at: number }[], fault: number, end: number): number | undefined {
  const times = all.filter(({ asked, at }) => asked >= fault && at <= end).map(({ at }) => at - fault);
  return times.length ? Math.min(...times) : undefined;
}

function longestGap(acknowledged: readonly { at: number }[], from: number, to: number): number {
  const times = acknowledged.map(({ at }) => at).filter((at) => at > from && at < to).sort((a, b) => a - b); // prettier-ignore
  const edges = [from, ...times, to];
  return Math.max(...edges.slice(1).map((at, n) => at - edges[n]!));
}

/** Of the orders that were on their way at the fault, or came after it. */
function longestWait(ends: readonly OrderEnd[], { startedAt, faultAt, endedAt }: Window): number | undefined {
  let longest = 0;
  for (const { acceptedAt, endedAt: final } of ends) {
    if (acceptedAt < startedAt || acceptedAt > endedAt) continue;
    if (final === undefined) return undefined;
    if (final > faultAt) longest = Math.max(longest, final - Math.max(acceptedAt, faultAt));
  }
  return longest;
}

function backwards(writes: readonly Write[]): number {
  let highest = 0;
  let count = 0;
  for (const { timeline } of [...writes].sort((a, b) => a.at - b.at)) {
    if (timeline < highest) count++;
    highest = Math.max(highest, timeline);
  }
  return count;
}

function tally(kinds: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
