import { services } from './services.js';
import { Random } from './random.js';
import type { Fault, FaultKind } from './weather.js';

/** A basket that will be checked out, and what is asked back of it. */
export interface PlannedOrder {
  number: number;
  /** Milliseconds since the run began. */
  at: number;
  token: string;
  items: { sku: string; quantity: number }[];
  /** Hundredths of the order's total that are asked back, all at once, some time after it was confirmed. */
  refunds: number[];
  /** The buyer asks twice at once, with one key. */
  twice: boolean;
}

/** All that a run is, beside its seed. */
export interface Scenario {
  seed: number;
  orders: PlannedOrder[];
  faults: Fault[];
  /** Milliseconds in which each step of a saga must be answered, where that is less than what the saga says; the grace period is a second then. */
  deadline?: number;
}

export interface ScenarioOptions {
  orders: number;
  faults: readonly FaultKind[];
}

export const SKUS = ['lamp', 'desk', 'chair', 'shelf'] as const;
/** There is less of it than is asked for. */
export const SCARCE = 'vase';
export const PRICES: Readonly<Record<string, number>> = { lamp: 2_490, desk: 18_900, chair: 7_900, shelf: 11_000, vase: 4_550 };

const WINDOW = 20_000;
const TOKENS = [
  ...Array<string>(10).fill('tok_ok'),
  ...['tok_slow', 'tok_flaky', 'tok_flaky', 'tok_unknown', 'tok_unknown', 'tok_declined', 'tok_insufficient_funds'],
];

/** How long each fault lasts, in milliseconds, from and to. */
const LASTS: Readonly<Record<FaultKind, readonly [number, number]>> = {
  crash: [500, 9_000],
  pause: [500, 40_000],
  'cut-broker': [500, 12_000],
  'cut-database': [200, 12_000],
  'cut-psp': [500, 12_000],
  'database-down': [200, 15_000],
  'broker-down': [200, 12_000],
  'psp-down': [500, 15_000],
  'commits-unknown': [2_000, 20_000],
  deadlocks: [2_000, 20_000],
  'sends-unanswered': [2_000, 20_000],
  'offsets-lost': [2_000, 20_000],
  'slow-network': [2_000, 15_000],
  'psp-calls-lost': [2_000, 20_000],
  'psp-calls-late': [2_000, 20_000],
  'psp-calls-doubled': [2_000, 20_000],
  'answers-lost': [2_000, 20_000],
  // Longer than a step's deadline: the saga times out, and what was asked comes late.
  'long-outage': [130_000, 420_000],
};

const MIDDLES: readonly FaultKind[] = ['database-down', 'cut-database', 'slow-network', 'commits-unknown', 'psp-calls-late'];
const INSTANCES = services.flatMap((service) => [`${service}-0`, `${service}-1`]);
const TARGETS: Partial<Record<FaultKind, readonly string[]>> = {
  crash: [...INSTANCES, 'psp-0'],
  pause: INSTANCES,
  'cut-broker': INSTANCES,
  'cut-database': INSTANCES,
  'cut-psp': ['payment-0', 'payment-1'],
  'database-down': [...services, 'psp'],
  'commits-unknown': [...services, 'psp'],
  deadlocks: [...services, 'psp'],
  'long-outage': ['payment', 'inventory', 'psp', 'broker', 'broker', 'broker'],
};
/** One seed in so many has an outage that outlives deadlines. */
const LONG_OUTAGE_IN = 8;
/** In one seed of so many the sagas are impatient: they time out, and what was asked comes late. */
const IMPATIENT_IN = 3;

/** What happens in the run of a seed, and when: drawn before it begins, so that a part of it can be left out and the rest stays. */
export function plan(seed: number, { orders, faults }: ScenarioOptions): Scenario {
  const random = new Random(seed ^ 0x5ca1ab1e);
  const scenario: Scenario = {
    seed,
    orders: Array.from({ length: orders }, (_, number) => planOrder(random, number)),
    faults: planFaults(random, faults),
  };
  if (random.int(1, IMPATIENT_IN) !== 1) return scenario;
  // What is given up by the saga is what arrives too late: the two belong together.
  if (faults.includes('psp-calls-late')) scenario.faults.push(planFault(random, 'psp-calls-late'));
  return { ...scenario, deadline: random.int(1_500, 6_000) };
}

function planOrder(random: Random, number: number): PlannedOrder {
  const skus = random.chance(0.15) ? [SCARCE] : SKUS.filter(() => random.chance(0.4));
  const items = (skus.length ? skus : [random.pick(SKUS)]).map((sku) => ({ sku, quantity: random.int(1, 3) }));
  const refunds = random.chance(0.35) ? Array.from({ length: random.int(1, 4) }, () => random.int(20, 70)) : [];
  return { number, at: random.int(200, WINDOW), token: random.pick(TOKENS), items, refunds, twice: random.chance(0.1) };
}

function planFaults(random: Random, kinds: readonly FaultKind[]): Fault[] {
  const brief = kinds.filter((kind) => kind !== 'long-outage');
  const faults = brief.length ? Array.from({ length: random.int(4, 12) }, () => planFault(random, random.pick(brief))) : [];
  // What is in the middle of something when it is killed: by itself that is a matter of milliseconds.
  if (kinds.includes('crash'))
    for (const { kind, at, lasts, target } of [...faults])
      if (MIDDLES.includes(kind) && random.chance(0.5)) {
        const hit = INSTANCES.filter((name) => target === undefined || name === target || name.startsWith(`${target}-`));
        if (hit.length) faults.push({ ...planFault(random, 'crash'), at: at + random.int(0, lasts), target: random.pick(hit) });
      }
  if (kinds.includes('long-outage') && random.int(1, LONG_OUTAGE_IN) === 1) faults.push(planFault(random, 'long-outage'));
  return faults.sort((a, b) => a.at - b.at);
}

function planFault(random: Random, kind: FaultKind): Fault {
  const targets = TARGETS[kind];
  return { kind, at: random.int(0, WINDOW + 5_000), lasts: random.int(...LASTS[kind]), ...(targets && { target: random.pick(targets) }) };
}
