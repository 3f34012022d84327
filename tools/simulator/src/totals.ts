import type { Outcome } from './run.js';

/** What is told of a run that kept every promise. */
export type Summary = Pick<Outcome, 'violations' | 'digest' | 'ends' | 'events' | 'lasted'> & { seed: number; struck: [string, number][] };

export const summaryOf = ({ scenario, violations, digest, ends, struck, events, lasted }: Outcome): Summary => ({
  seed: scenario.seed,
  violations,
  digest,
  ends,
  struck: [...struck],
  events,
  lasted,
});

/** Sums over runs. */
export class Totals {
  seeds = 0;
  checkouts = 0;
  private events = 0;
  private lasted = 0;
  private readonly ends = new Map<string, number>();
  private readonly struck = new Map<string, number>();

  add({ ends, struck, events, lasted }: Summary): void {
    this.seeds++;
    this.events += events;
    this.lasted += lasted;
    for (const [end, count] of Object.entries(ends)) {
      this.checkouts += count;
      this.ends.set(end, (this.ends.get(end) ?? 0) + count);
    }
    for (const [kind, count] of struck) this.struck.set(kind, (this.struck.get(kind) ?? 0) + count);
  }

  /** Two columns; `ms` is the real time that it took, `cpuMs` that of all processors together. */
  table(ms: number, cpuMs: number): string[] {
    const seconds = ms / 1000;
    const whole = (value: number) => Math.round(value).toLocaleString('en');
    const rows: [string, string][] = [
      ['seeds', whole(this.seeds)],
      ['checkouts', whole(this.checkouts)],
      ['checkouts per second', whole(this.checkouts / seconds)],
      ['checkouts per CPU second', whole((this.checkouts / cpuMs) * 1000)],
      ['events', whole(this.events)],
      ['simulated time', `${(this.lasted / 3_600_000).toFixed(1)} h in ${seconds.toFixed(1)} s`],
      ...sorted(this.ends).map(([end, count]): [string, string] => [`ended ${end}`, whole(count)]),
      ...sorted(this.struck).map(([kind, count]): [string, string] => [`fault ${kind}`, whole(count)]),
    ];
    const [left, right] = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
    return rows.map(([name, value]) => `  ${name.padEnd(left!)}  ${value.padStart(right!)}`);
  }
}

const sorted = (counts: ReadonlyMap<string, number>): [string, number][] => [...counts].sort(([, a], [, b]) => b - a);
