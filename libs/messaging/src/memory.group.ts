import type { MemoryPartition } from './memory.partition.js';

/** What a group needs of its members. */
export interface GroupMember {
  readonly topics: readonly string[];
  /** There may be something to do. */
  wake(): void;
}

/** A group's hold on a partition. */
export class Seat {
  owner?: GroupMember;
  /** Counts up when the partition goes to another member: a batch of before has no say any more. */
  tenure = 0;
  /** Whose batch is at work; the next owner waits for its end. */
  working?: GroupMember;
  /** Until when, by `performance.now()`, it rests after a batch that failed. */
  restsUntil = 0;
  failures = 0;

  constructor(
    readonly group: string,
    readonly partition: MemoryPartition,
  ) {}
}

/** The members that share the partitions of what they subscribe to. */
export class MemoryGroup {
  private readonly seats = new Map<MemoryPartition, Seat>();
  private readonly members = new Set<GroupMember>();
  /** Where the last search ended, so that each partition gets its turn. */
  private turn = 0;

  constructor(readonly name: string) {}

  join(member: GroupMember, partitions: readonly MemoryPartition[]): void {
    for (const partition of partitions) {
      partition.admit(this.name);
      if (!this.seats.has(partition)) this.seats.set(partition, new Seat(this.name, partition));
    }
    this.members.add(member);
    this.assign();
  }

  /** What it has at work is waited for; `abandoned`: it is not, as when a process dies. */
  leave(member: GroupMember, abandoned: boolean): void {
    this.members.delete(member);
    if (abandoned) for (const seat of this.seats.values()) if (seat.working === member) delete seat.working;
    this.assign();
  }

  /** A partition of the member's that has something for it and is not at work; or when one may have, as its rest ends. */
  next(member: GroupMember): Seat | { restsUntil: number } | undefined {
    const seats = [...this.seats.values()];
    let restsUntil = Infinity;
    for (let i = 0; i < seats.length; i++) {
      const seat = seats[(this.turn + i) % seats.length]!;
      if (seat.owner !== member || seat.working || !seat.partition.hasFor(this.name)) continue;
      if (seat.restsUntil > performance.now()) {
        restsUntil = Math.min(restsUntil, seat.restsUntil);
        continue;
      }
      this.turn = (this.turn + i + 1) % seats.length;
      seat.working = member;
      return seat;
    }
    return restsUntil < Infinity ? { restsUntil } : undefined;
  }

  /** The batch at work has ended. */
  end(seat: Seat, member: GroupMember): void {
    if (seat.working === member) delete seat.working;
    this.wake();
  }

  wake(): void {
    for (const member of this.members) member.wake();
  }

  private assign(): void {
    let place = 0;
    for (const seat of this.seats.values()) {
      const members = [...this.members].filter(({ topics }) => topics.includes(seat.partition.topic));
      const owner = members[place++ % members.length];
      if (owner === seat.owner) continue;
      seat.tenure++;
      seat.restsUntil = 0;
      if (owner) seat.owner = owner;
      else delete seat.owner;
    }
    this.wake();
  }
}
