import { deadLetterTopic, PARTITIONS, type WireRecord } from '@ballast/message';
import { type GroupMember, MemoryGroup } from './memory.group.js';
import { MemoryPartition } from './memory.partition.js';

export interface MemoryBrokerOptions {
  /**
   * The groups that will read here: each service of the process that consumes events, owns commands or runs sagas, by its name. Until
   * each has subscribed once, no client is connected and nothing is taken: what was acknowledged before its reader was there
   * would be lost. A name that never subscribes holds up everything, so leave out services that only write.
   */
  groups: readonly string[];
}

/**
 * A broker in memory, for services that share one process: make one and give it to each service's `memoryTransport`. It outlives
 * services that are restarted. It remembers nothing across a restart of the process and need not: what it has not seen through to
 * its readers' databases is still in the senders' outboxes.
 */
export class MemoryBroker {
  private readonly topics = new Map<string, readonly MemoryPartition[]>();
  private readonly groups = new Map<string, MemoryGroup>();
  private readonly expected: ReadonlySet<string>;
  private readonly listeners = new Set<() => void>();

  constructor(options: MemoryBrokerOptions) {
    this.expected = new Set(options.groups);
  }

  /** The groups that have not subscribed yet. */
  get missing(): string[] {
    return [...this.expected].filter((group) => !this.groups.has(group));
  }

  /** For transports. Makes the topics that are missing, each with its dead-letter topic. */
  createTopics(topics: readonly string[]): void {
    for (const topic of topics.flatMap((name) => [name, deadLetterTopic(name)])) this.partitionsOf(topic);
    this.changed();
  }

  /** For transports. Undefined while nobody has made the topic. */
  partitionOf({ topic, key }: WireRecord): MemoryPartition | undefined {
    return this.topics.get(topic)?.[hash(key) % PARTITIONS];
  }

  /** For transports. Gives the group it is a member of from now on. */
  join(name: string, member: GroupMember): MemoryGroup {
    const group = this.groups.get(name) ?? new MemoryGroup(name);
    this.groups.set(name, group);
    group.join(
      member,
      member.topics.flatMap((topic) => this.partitionsOf(topic)),
    );
    this.changed();
    return group;
  }

  /** For transports. There is something to read in the partitions. */
  wake(): void {
    for (const group of this.groups.values()) group.wake();
  }

  /** For transports. Calls back after each new topic and each new member, until the returned function is called. */
  watch(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private partitionsOf(topic: string): readonly MemoryPartition[] {
    let partitions = this.topics.get(topic);
    if (!partitions) {
      partitions = Array.from({ length: PARTITIONS }, (_, number) => new MemoryPartition(topic, number));
      this.topics.set(topic, partitions);
    }
    return partitions;
  }

  private changed(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/** FNV-1a: the same key, the same partition. No other client has to agree. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
