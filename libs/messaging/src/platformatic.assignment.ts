import { Reader, Writer } from '@platformatic/kafka';

/** Partition numbers by topic. */
export type Assignment = ReadonlyMap<string, readonly number[]>;
export interface Subscriber {
  memberId: string;
  topics: readonly string[];
}

/**
 * The name under which a group agrees on how to share partitions, and the format in which it is written down, are kafkajs' own, so that
 * members of both kinds can be in one group. Who leads it decides.
 */
export const ASSIGNER = 'RoundRobinAssigner';
const VERSION = 0;

/** Partition after partition to the next member that wants the topic, in order of member ids: as kafkajs does it. */
export function assign(subscribers: readonly Subscriber[], partitionsOf: (topic: string) => number): Map<string, Map<string, number[]>> {
  const members = [...subscribers].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const assigned = new Map(members.map(({ memberId }) => [memberId, new Map<string, number[]>()]));
  let next = 0;
  for (const topic of [...new Set(members.flatMap(({ topics }) => topics))]) {
    const takers = members.filter(({ topics }) => topics.includes(topic));
    for (let partition = 0; partition < partitionsOf(topic); partition++) {
      const own = assigned.get(takers[next++ % takers.length]!.memberId)!;
      own.set(topic, [...(own.get(topic) ?? []), partition]);
    }
  }
  return assigned;
}

export const encodeSubscription = (topics: readonly string[]): Buffer =>
  Writer.create()
    .appendInt16(VERSION)
    .appendArray([...topics], (writer, topic) => writer.appendString(topic, false), false, false)
    .appendBytes(Buffer.alloc(0), false).buffer;

export function decodeSubscription(bytes: Buffer): string[] {
  const reader = Reader.from(bytes);
  reader.readInt16();
  return reader.readArray((each) => each.readString(false), false, false);
}

export const encodeAssignment = (assignment: Assignment): Buffer =>
  Writer.create()
    .appendInt16(VERSION)
    .appendArray(
      [...assignment],
      (writer, [topic, partitions]) =>
        writer.appendString(topic, false).appendArray([...partitions], (w, partition) => w.appendInt32(partition), false, false),
      false,
      false,
    )
    .appendBytes(Buffer.alloc(0), false).buffer;

/** A member for whom nothing is left gets no bytes at all. */
export function decodeAssignment(bytes: Buffer): Assignment {
  if (bytes.length === 0) return new Map();
  const reader = Reader.from(bytes);
  reader.readInt16();
  return new Map(
    reader.readArray((each) => [each.readString(false), each.readArray((r) => r.readInt32(), false, false)] as const, false, false),
  );
}
