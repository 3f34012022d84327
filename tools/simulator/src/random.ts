import { xoroshiro128plus } from 'pure-rand/generator/XoroShiro';

/** The one source of chance of a run: the same seed, the same numbers. */
export class Random {
  private readonly generator;

  constructor(seed: number) {
    this.generator = xoroshiro128plus(seed);
  }

  /** In [0, 1), of 32 bits: all that a run draws comes from here. */
  next = (): number => (this.generator.unsafeNext() >>> 0) / 0x1_0000_0000;

  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)]!;
  }

  /** A latency: mostly near `typical`, now and then ten times that. */
  latency(typical: number): number {
    const spread = this.next();
    return typical * (0.5 + spread) * (spread > 0.97 ? 10 : 1);
  }
}
