import type { WireRecord } from '@ballast/message';
import type { Weather } from './weather.js';
import type { World } from './world.js';

export const PARTITIONS = 12;
/** A member that is not heard of for so long loses its partitions. */
export const SESSION = 6_000;
/** From a change among the members to the new assignment. */
const REBALANCE = 400;
const BEAT = 1_000;

export class Partition {
  readonly log: WireRecord[] = [];
  private waiting: (() => void)[] = [];

  constructor(
    readonly topic: string,
    readonly number: number,
  ) {}

  get name(): string {
    return `${this.topic}/${this.number}`;
  }

  append(record: WireRecord): void {
    this.log.push(record);
    const waiting = this.waiting;
    this.waiting = [];
    for (const go of waiting) go();
  }

  /** Resolves once there is something at or behind the offset. */
  async reaches(offset: number): Promise<void> {
    while (this.log.length <= offset) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}

/** A consumer as the coordinator sees it. */
export interface Member {
  readonly name: string;
  /** Whether it hears and is heard at this moment. */
  reachable(): boolean;
  /** Looks after its membership. False when it is gone and nobody waits for it any more. */
  beat(): boolean;
  assigned(generation: number, partitions: readonly Partition[]): void;
  /** The group goes on without it, or is being shared out anew. */
  revoked(): void;
}

/** The members of a group share its partitions; whoever commits must be of the present generation. */
export class Group {
  generation = 0;
  readonly committed = new Map<string, number>();
  private members: Member[] = [];

  constructor(
    readonly name: string,
    private readonly broker: Broker,
    readonly topics: readonly string[],
  ) {}

  has(member: Member): boolean {
    return this.members.includes(member);
  }

  join(member: Member): void {
    if (this.has(member)) return;
    this.members.push(member);
    this.rebalance(`${member.name} joins`);
  }

  leave(member: Member): void {
    if (!this.has(member)) return;
    this.members = this.members.filter((each) => each !== member);
    this.rebalance(`${member.name} is no longer heard of`);
  }

  offset({ name }: Partition): number {
    return this.committed.get(name) ?? 0;
  }

  /** Records that no member has committed. */
  get lag(): number {
    return this.partitions().reduce((sum, partition) => sum + partition.log.length - this.offset(partition), 0);
  }

  private partitions(): Partition[] {
    return this.topics.flatMap((topic) => this.broker.partitions(topic));
  }

  private rebalance(why: string): void {
    const generation = ++this.generation;
    this.broker.world.note('broker', `group ${this.name}: ${why}, generation ${generation}`);
    for (const member of this.members) if (member.reachable()) member.revoked();
    this.broker.world.after(REBALANCE, () => {
      if (generation !== this.generation) return;
      const shares = this.members.map((): Partition[] => []);
      this.partitions().forEach((partition, i) => shares[i % shares.length]?.push(partition));
      this.members.forEach((member, i) => member.assigned(generation, shares[i]!));
    });
  }
}

/** Topics with their partitions, and the groups that read them. A key has one partition; what is in one stays in its order. */
export class Broker {
  readonly groups = new Map<string, Group>();
  private readonly topics = new Map<string, Partition[]>();
  private readonly watched = new Set<Member>();

  constructor(
    readonly world: World,
    private readonly weather: Weather,
  ) {}

  get up(): boolean {
    return !this.weather.lasts('broker-down');
  }

  /** From now on it beats once a second, with all the others: one event for all of them. */
  watch(member: Member): void {
    if (this.watched.size === 0) this.world.after(BEAT, () => this.beat());
    this.watched.add(member);
  }

  group(name: string, topics: readonly string[]): Group {
    let group = this.groups.get(name);
    if (!group) this.groups.set(name, (group = new Group(name, this, topics)));
    return group;
  }

  partitions(topic: string): readonly Partition[] {
    let partitions = this.topics.get(topic);
    if (!partitions) this.topics.set(topic, (partitions = Array.from({ length: PARTITIONS }, (_, i) => new Partition(topic, i))));
    return partitions;
  }

  partitionOf({ topic, key }: WireRecord): Partition {
    let hash = 0x811c9dc5;
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    return this.partitions(topic)[(hash >>> 0) % PARTITIONS]!;
  }

  private beat(): void {
    for (const member of this.watched) if (!member.beat()) this.watched.delete(member);
    if (this.watched.size) this.world.after(BEAT, () => this.beat());
  }
}
