import type { Evidence, Finding } from './checker.evidence.js';
import { by } from './checker.grouping.js';

/** Every message that was written is in its topic, and in the order of its key. */
export function* messagesOf({ written, records }: Evidence): Generator<Finding> {
  const published = new Set(records.map((r) => `${r.topic} ${r.messageId}`));
  for (const { topic, messageId, service, id } of written)
    if (!published.has(`${topic} ${messageId}`))
      yield { kind: 'lost', what: `${service}: outbox row ${id} (${messageId}) is not in ${topic}` };

  // In commit order, by the first time that each is in the topic: later copies are at-least-once at work.
  const firsts = by(records, (r) => `${r.topic} ${r.key}`);
  for (const rows of streamsOf(written)) {
    const place = `${rows[0]!.topic} ${rows[0]!.key}`;
    const seen = firsts.get(place) ?? [];
    if (new Set(seen.map((r) => r.partition)).size > 1) yield { kind: 'reordered', what: `${place}: in more than one partition` };
    const wrong = outOfOrder(rows, seen);
    if (wrong) yield { kind: 'reordered', what: `${place}: ${wrong.messageId} came as number ${wrong.place}` };
  }
}

/** Every message in a topic took effect once at each who takes it, and in the order of its key. */
export function* handlingOf({ written, records, inbox, received, handled }: Evidence): Generator<Finding> {
  // Who takes a type of a topic takes every message of it.
  const takes = by(inbox, (i) => `${i.topic} ${i.type}`);
  const has = new Set(inbox.map((i) => `${i.service} ${i.messageId}`));
  const told = new Set<string>();
  for (const { topic, type, messageId } of records)
    for (const service of new Set((takes.get(`${topic} ${type}`) ?? []).map((i) => i.service))) {
      const one = `${service} ${messageId}`;
      if (has.has(one) || told.has(one)) continue;
      told.add(one);
      yield { kind: 'lost', what: `${service}: ${type} ${messageId} was never handled` };
    }

  const times = by(received, (r) => `${r.service} ${r.messageId}`);
  for (const [one, rows] of times) if (rows.length > 1) yield { kind: 'doubled', what: `${one} took effect ${rows.length} times` };
  for (const [one, lines] of by(handled, (h) => `${h.service} ${h.messageId}`))
    if (lines.length > 1) yield { kind: 'doubled', what: `${one} was handled ${lines.length} times` };

  // The triggers on the inboxes were there before those on the outboxes.
  const known = new Set(written.map((w) => w.messageId));
  for (const { service, messageId } of inbox)
    if (known.has(messageId) && !times.has(`${service} ${messageId}`))
      yield { kind: 'wrong', what: `${service}: nobody saw when ${messageId} took effect` };

  const streams = streamsOf(written);
  for (const [service, rows] of by(received, (r) => r.service)) {
    const there = by(rows, (r) => r.messageId);
    for (const stream of streams) {
      const wrong = outOfOrder(stream, inOrder(stream.flatMap(({ messageId }) => there.get(messageId) ?? [])));
      if (!wrong) continue;
      const { topic, key } = stream[0]!;
      yield { kind: 'reordered', what: `${service}: ${wrong.messageId} of ${topic} ${key} was handled as number ${wrong.place}` };
    }
  }
}

/** What is to stay in order, in the order of commits. Several services write to a topic of replies, each in an order of its own. */
const streamsOf = (written: Evidence['written']): Evidence['written'][] =>
  [...by(written, (w) => `${w.service} ${w.topic} ${w.key}`).values()].map(inOrder);

/** The first of the messages seen that is not where it was written; each counts where it was seen first, and those that were not seen do not count. */
function outOfOrder(
  written: readonly { messageId: string }[],
  seen: readonly { messageId: string }[],
): { messageId: string; place: number } | undefined {
  const known = new Set(written.map((w) => w.messageId));
  const came = distinct(seen.map((s) => s.messageId)).filter((id) => known.has(id));
  const there = new Set(came);
  const at = [...known].filter((id) => there.has(id)).findIndex((id, n) => id !== came[n]);
  return at < 0 ? undefined : { messageId: came[at]!, place: at + 1 };
}

const inOrder = <T extends { id: string }>(rows: readonly T[]): T[] => [...rows].sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
const distinct = (all: readonly string[]): string[] => [...new Set(all)];
