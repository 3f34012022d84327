import type { WireRecord } from '@ballast/message';

/** A record on its way to the groups that read its topic. */
export class Entry {
  /** Whether every group has committed it. It is held no longer then. */
  settled = false;
  /** Called when it is settled. Set by the send that waits for it; without one, the send was given up. */
  onSettled?: () => void;

  constructor(
    readonly partition: MemoryPartition,
    readonly offset: number,
    readonly record: WireRecord,
  ) {}
}

/**
 * Records of one partition in the order in which they came, from the first that some group has not committed. What nobody reads is
 * settled as it comes. So it holds no more than what senders hold, too.
 */
export class MemoryPartition {
  private readonly entries: Entry[] = [];
  private end = 0;
  /** The offset each group goes on from. */
  private readonly positions = new Map<string, number>();
  /** Entries whose send was given up, by what tells that they are sent again. */
  private readonly abandoned = new Map<string, Entry[]>();

  constructor(
    readonly topic: string,
    readonly number: number,
  ) {}

  /** From now on nothing is settled without the group. One that is new starts with the oldest entry that is still held. */
  admit(group: string): void {
    if (!this.positions.has(group)) this.positions.set(group, this.entries[0]?.offset ?? this.end);
  }

  /**
   * Appends the record. One that is sent again takes the place it had, if it is still waiting there: however often a send is repeated,
   * no more is held, and the order stays what it was.
   */
  put(record: WireRecord): Entry {
    const again = this.abandoned.get(identityOf(record))?.[0];
    if (again) {
      this.forget(again);
      return again;
    }
    const entry = new Entry(this, this.end++, { ...record, headers: { ...record.headers } });
    if (this.positions.size > 0) this.entries.push(entry);
    else entry.settled = true;
    return entry;
  }

  /** Its send was given up. It stays, since it may be at work, until it is settled or sent again. */
  abandon(entry: Entry): void {
    delete entry.onSettled;
    const identity = identityOf(entry.record);
    const others = this.abandoned.get(identity);
    if (others) others.push(entry);
    else this.abandoned.set(identity, [entry]);
  }

  /** What comes next for the group, and how much comes after that. */
  read(group: string, limit: number): { entries: Entry[]; behind: number } {
    const from = this.positions.get(group)! - (this.entries[0]?.offset ?? this.end);
    const entries = this.entries.slice(from, from + limit);
    return { entries, behind: this.entries.length - from - entries.length };
  }

  hasFor(group: string): boolean {
    return this.positions.get(group)! < this.end;
  }

  position(group: string): number {
    return this.positions.get(group)!;
  }

  /** Moves the group on, never back and never past what there is. */
  commit(group: string, next: number): void {
    const position = Math.min(next, this.end);
    if (position <= this.positions.get(group)!) return;
    this.positions.set(group, position);
    const settled = Math.min(...this.positions.values());
    const count = this.entries.findIndex(({ offset }) => offset >= settled);
    for (const entry of this.entries.splice(0, count < 0 ? this.entries.length : count)) {
      entry.settled = true;
      this.forget(entry);
      entry.onSettled?.();
    }
  }

  /** The groups that have not committed the entry. */
  awaited({ offset }: Entry): string[] {
    return [...this.positions].flatMap(([group, position]) => (position <= offset ? [group] : []));
  }

  private forget(entry: Entry): void {
    const identity = identityOf(entry.record);
    const others = this.abandoned.get(identity)?.filter((other) => other !== entry);
    if (others?.length) this.abandoned.set(identity, others);
    else this.abandoned.delete(identity);
  }
}

/** The message's id: trace headers differ each time it is sent. */
const identityOf = ({ key, value, headers }: WireRecord): string => headers['ce_id'] ?? JSON.stringify([key, value]);
