/** What can go wrong. Each is said in the guide with what it stands for. */
export const faultKinds = [
  'crash',
  'pause',
  'cut-broker',
  'cut-database',
  'cut-psp',
  'database-down',
  'broker-down',
  'psp-down',
  'commits-unknown',
  'deadlocks',
  'sends-unanswered',
  'offsets-lost',
  'slow-network',
  'psp-calls-lost',
  'psp-calls-late',
  'psp-calls-doubled',
  'answers-lost',
  'long-outage',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** One fault, planned before the run begins: from `at` for `lasts`, both in milliseconds. */
export interface Fault {
  kind: FaultKind;
  at: number;
  lasts: number;
  /** An instance such as `payment-1`, or a service such as `payment`. */
  target?: string;
}

/** How likely each call is hit while such a fault lasts. */
const RATES: Partial<Record<FaultKind, number>> = {
  'commits-unknown': 0.15,
  deadlocks: 0.2,
  'sends-unanswered': 0.3,
  'offsets-lost': 0.3,
  'psp-calls-lost': 0.35,
  'psp-calls-late': 0.3,
  'psp-calls-doubled': 0.5,
  'answers-lost': 0.3,
};

/** How things stand at the moment: which faults last, and how often each has struck. */
export class Weather {
  /** How many times each fault struck. */
  readonly struck = new Map<FaultKind, number>();
  private readonly lasting: Fault[] = [];
  private readonly waiting = new Set<() => void>();

  constructor(private readonly chance: (probability: number) => boolean) {}

  begin(fault: Fault): void {
    this.lasting.push(fault);
    if (RATES[fault.kind] === undefined) this.count(fault.kind);
    this.changed();
  }

  end(fault: Fault): void {
    this.lasting.splice(this.lasting.indexOf(fault), 1);
    this.changed();
  }

  /** Resolves when the next fault begins or ends, or the signal aborts: what waits for a fault to pass has nothing to look for before. */
  change(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        this.waiting.delete(go);
        signal?.removeEventListener('abort', go);
        resolve();
      };
      this.waiting.add(go);
      signal?.addEventListener('abort', go, { once: true });
    });
  }

  lasts(kind: FaultKind, target?: string): boolean {
    for (const fault of this.lasting)
      if (fault.kind === kind && (fault.target === undefined || target === undefined || fault.target === target)) return true;
    return false;
  }

  /** Whether this one call is hit. Draws from the run's chance only while such a fault lasts. */
  strikes(kind: FaultKind, target?: string): boolean {
    if (!this.lasts(kind, target) || !this.chance(RATES[kind]!)) return false;
    this.count(kind);
    return true;
  }

  private changed(): void {
    for (const go of [...this.waiting]) go();
  }

  private count(kind: FaultKind): void {
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1);
  }
}
