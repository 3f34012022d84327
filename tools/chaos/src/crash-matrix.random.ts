/** Mulberry32: a seed gives the same numbers everywhere. What processes and the network do beside it is not drawn. */
export class Random {
  constructor(private state: number) {}

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** From 1 to `max`. */
  upTo(max: number): number {
    return 1 + Math.floor(this.next() * max);
  }

  shuffled<T>(all: readonly T[]): T[] {
    const left = [...all];
    for (let n = left.length - 1; n > 0; n--) {
      const other = this.upTo(n + 1) - 1;
      [left[n], left[other]] = [left[other]!, left[n]!];
    }
    return left;
  }
}
