import { within } from './ambient.js';
import { Clients } from './clients.js';
import { violations, type Violation } from './checks.js';
import { plain, type Seams } from './seams.js';
import type { Scenario } from './scenario.js';
import { Shop } from './shop.js';
import type { FaultKind } from './weather.js';
import { World, type Note } from './world.js';

/** After the last fault, everything must have come to its end within this much simulated time, in milliseconds. */
const PATIENCE = 15 * 60_000;
/** How long nothing may be left to do before a run is over: what is late still comes. */
const CALM = 3_000;
const LOOK = 500;

export interface RunOptions {
  seams?: Partial<Seams>;
  /** Keep the notes for a timeline. */
  verbose?: boolean;
}

export interface Outcome {
  scenario: Scenario;
  violations: Violation[];
  digest: string;
  notes: Note[];
  /** Accepted orders by how they ended. */
  ends: Record<string, number>;
  struck: ReadonlyMap<FaultKind, number>;
  events: number;
  /** Milliseconds of simulated time. */
  lasted: number;
}

/** Runs a scenario to its end and compares the books. */
export async function run(scenario: Scenario, { seams = {}, verbose = false }: RunOptions = {}): Promise<Outcome> {
  const world = new World(scenario.seed, verbose);
  const shop = new Shop(world, { ...plain, ...seams }, scenario);
  const clients = new Clients(shop);
  const ambience = { date: () => world.date, random: world.random.next, after: world.after.bind(world), fetch: shop.psp.fetch };
  return within(ambience, async () => {
    await shop.open();
    for (const fault of scenario.faults) world.after(fault.at, () => shop.begin(fault));
    clients.plan(scenario.orders);
    const faultsOver = Math.max(0, ...scenario.faults.map(({ at, lasts }) => at + lasts));
    let calmSince: number | undefined;
    const look = () => {
      calmSince = world.now > faultsOver && isCalm(shop, clients) ? (calmSince ?? world.now) : undefined;
      world.after(LOOK, look);
    };
    world.after(LOOK, look);
    await world.run(faultsOver + PATIENCE, () => calmSince !== undefined && world.now - calmSince >= CALM);
    const found = violations(shop, clients, scenario);
    const ends: Record<string, number> = {};
    for (const { orderId } of clients.accepted) {
      const { status = 'UNKNOWN', reason } = shop.stores.orders.orders.get(orderId) ?? {};
      const end = reason ? `${status} ${reason}` : status;
      ends[end] = (ends[end] ?? 0) + 1;
    }
    return {
      scenario,
      violations: found,
      digest: world.digest(),
      notes: world.notes,
      ends,
      struck: shop.weather.struck,
      events: world.events,
      lasted: world.now,
    };
  });
}

/** Nothing is left to do anywhere, and nothing is on its way. */
function isCalm(shop: Shop, clients: Clients): boolean {
  if (clients.waiting > 0 || shop.psp.underWay > 0) return false;
  for (const { sagas } of [shop.tables.sagas]) for (const { finishedAt } of sagas.values()) if (!finishedAt) return false;
  for (const { outbox, intents } of Object.values(shop.tables.messaging)) {
    if (outbox.size > 0) return false;
    for (const { state } of intents.values()) if (state !== 'DONE') return false;
  }
  for (const group of shop.broker.groups.values()) if (group.lag > 0) return false;
  return true;
}
