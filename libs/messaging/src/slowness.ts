/** How often a message may run out of time before that can be its own fault: a minute, with the database's 10 s for a statement. */
const PATIENCE = 6;

interface Slow {
  times: number;
  /** What had passed when it last ran out of time. */
  seen: number;
}

/**
 * Tells a message that is too slow by itself, and would stop its partition for good, from a database that is slow for all. A partition
 * works on one message at a time, so it stands for the message.
 */
export class Slowness {
  private passes = 0;
  private readonly slow = new Map<string, Slow>();

  /** A transaction of this partition went through. */
  passed(partition: string): void {
    this.passes++;
    this.slow.delete(partition);
  }

  /**
   * Called each time the partition's message has run out of time in its handler, after the database had noted it as received.
   * True when it has done so many times, while others pass, or nobody else runs out of time.
   */
  isOwn(partition: string): boolean {
    const { times, seen } = this.slow.get(partition) ?? { times: 0, seen: this.passes };
    this.slow.set(partition, { times: times + 1, seen: this.passes });
    return times >= PATIENCE && (this.passes > seen || this.slow.size === 1);
  }

  /** The partition is left: its message may be somebody else's. */
  forget(partition: string): void {
    this.slow.delete(partition);
  }
}
