import type { Fetched } from './platformatic.records.js';

/** After a batch that failed or did nothing it comes again, but not at once. */
const REST = 200;

/** An assigned partition, and how far it has got. Holds one batch at work and one behind it. */
export class Slot {
  /** What waits behind the batch at work. */
  next?: Fetched;
  working = false;
  private restUntil = 0;

  constructor(
    readonly topic: string,
    readonly partition: number,
    /** Where the next fetch begins. */
    public position: bigint,
  ) {}

  /** Whether there is room for what a fetch brings. */
  get wants(): boolean {
    return !this.next && performance.now() >= this.restUntil;
  }

  get ready(): boolean {
    return this.next !== undefined && !this.working;
  }

  /** Takes what was fetched, unless the partition went back behind it while it was under way. */
  accept(askedFor: bigint, fetched: Fetched): void {
    if (this.next || this.position !== askedFor) return;
    this.position = fetched.next;
    if (fetched.records.length) this.next = fetched;
  }

  take(): Fetched {
    const fetched = this.next!;
    delete this.next;
    this.working = true;
    return fetched;
  }

  /** A batch was let go of: what it left uncommitted, and everything after it, comes again. */
  release({ records, next }: Fetched, committed: bigint | undefined): void {
    this.working = false;
    if (committed !== undefined && committed >= BigInt(records.at(-1)!.offset) + 1n) return;
    delete this.next;
    this.position = committed ?? BigInt(records[0]!.offset);
    if (committed === undefined || next === committed) this.restUntil = performance.now() + REST;
  }
}
