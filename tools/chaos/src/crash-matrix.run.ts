import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '@ballast/cluster';
import { CheckoutLoad, Drill, type Evidence, type Finding, findings, inTurns, registerBuyers, Shopper, signInAgain } from '@ballast/e2e';
import { workspaceRoot } from '@ballast/testing';
import { Caller } from './crash-matrix.caller.js';
import { Chain, type Fault } from './crash-matrix.chain.js';
import { Evidences } from './crash-matrix.gather.js';
import { dealt, type Point } from './crash-matrix.points.js';
import { Random } from './crash-matrix.random.js';
import { Refunds } from './crash-matrix.refunds.js';
import { Renames } from './crash-matrix.renames.js';
import { Waits } from './crash-matrix.waits.js';

const BUYERS = 40;
const PRICE = 250;
/** Less than a half: made twice with one key it would not be too much, and has to be noticed all the same. */
const REFUND = 100;
const STOCK = 100_000;
/** As often as they are here; slow ones are few, since each holds a buyer for seconds. */
const TOKENS = [
  ...['tok_ok', 'tok_ok', 'tok_ok', 'tok_ok', 'tok_ok', 'tok_slow', 'tok_flaky', 'tok_unknown'],
  ...['tok_declined', 'tok_insufficient_funds', 'tok_capture_declined', 'tok_capture_declined'],
];
/** Longer than a relay's lease (15 s) and a consumer's session (6 s). */
const PAUSE = 17_000;
/** Checkouts that are accepted before the first kill: there is something to interrupt. */
const UNDER_WAY = 5;

export interface Recovered extends Fault {
  /** Milliseconds from the death, or from when its first message was there if that was later, until that was handled or a request answered. */
  recovery?: number;
}

export interface SeedResult {
  seed: number;
  accepted: number;
  confirmed: number;
  rejected: number;
  refunds: number;
  seconds: number;
  /** The longest that an outbox row waited while all services ran. */
  waited: number;
  faults: Recovered[];
  findings: Finding[];
}

export interface MatrixOptions {
  cluster: Cluster;
  points: readonly Point[];
  seeds: readonly number[];
  /** Into so many parts the points are dealt; a seed has one of them. */
  parts: number;
  /** Services that die and start again at the same time. */
  atOnce: number;
  /** Checkouts a second. */
  rate: number;
  /** Milliseconds that a point may take to be reached. */
  patience: number;
  /** Milliseconds until all is quiet and the books agree. */
  quiet: number;
  say(line: string): void;
  signal: AbortSignal;
  /** Told after each seed. */
  done(result: SeedResult): void;
}

/** Kills the services of a running platform at the points, seed by seed, and checks the books after each. */
export async function crashMatrix(o: MatrixOptions): Promise<SeedResult[]> {
  const matrix = new Matrix(o);
  await matrix.prepare();
  const results: SeedResult[] = [];
  for (const seed of o.seeds) {
    if (o.signal.aborted) break;
    const result = await matrix.seed(seed);
    results.push(result);
    o.done(result);
    if (result.findings.length) break; // what is broken stays broken: later seeds would find the same again
  }
  return results;
}

class Matrix {
  private readonly drill: Drill;
  private readonly sku = `crash-${randomUUID().slice(0, 8)}`;
  private readonly siblings: [service: string, file: string][] = [];
  private readonly evidences: Evidences;
  /** What callers were told, over all seeds. */
  private readonly told: Pick<Evidence, 'accepted' | 'refunds'> = { accepted: [], refunds: [] };
  private merchant!: Shopper;
  private buyers!: Shopper[];

  constructor(private readonly o: MatrixOptions) {
    this.drill = new Drill(o.cluster);
    const { services, home } = o.cluster;
    this.evidences = new Evidences(o.cluster, this.drill, () => [
      ...[...services.keys()].map((name): [string, string] => [name, home.logOf(name)]),
      ...this.siblings,
    ]);
  }

  async prepare(): Promise<void> {
    const { url, accounts } = this.o.cluster;
    await this.evidences.witness();
    this.merchant = await Shopper.signIn(url, accounts.merchant);
    this.buyers = await registerBuyers([url], BUYERS);
    await this.merchant.put(`/products/${this.sku}`, { name: 'Crash', price: { amount: PRICE, currency: 'EUR' }, stock: STOCK });
    await this.buyers[0]!.knows(this.sku);
  }

  async seed(seed: number): Promise<SeedResult> {
    const start = performance.now();
    const waits = new Waits((since) => this.evidences.waits(since));
    try {
      const { accepted, refunds, faults } = await this.underFaults(seed, waits);
      this.told.accepted.push(...accepted.map(({ orderId, token, sku, quantity }) => ({ orderId, token, sku, quantity })));
      this.told.refunds.push(...refunds);
      this.o.say(`seed ${seed}: ${accepted.length} checkouts accepted, waiting until quiet`);
      const found = await this.settled(waits);
      const count = await this.statuses(accepted.map(({ orderId }) => orderId));
      return {
        ...{ seed, findings: found, accepted: accepted.length, refunds: refunds.length },
        ...{ confirmed: count('CONFIRMED'), rejected: count('REJECTED'), seconds: (performance.now() - start) / 1000 },
        faults: faults.map((fault) => this.recovered(fault)),
        waited: Math.max(0, ...waits.seen.map(({ seconds }) => seconds)),
      };
    } finally {
      await waits.stop();
    }
  }

  /** Ends when every caller has a definite answer. */
  private async underFaults(
    seed: number,
    waits: Waits,
  ): Promise<Pick<CheckoutLoad, 'accepted'> & { refunds: Evidence['refunds']; faults: Fault[] }> {
    const { rate, signal } = this.o;
    const random = new Random(seed);
    await Promise.all([signInAgain(this.buyers), this.merchant.signInAgain()]);
    const tokens = Array.from({ length: 40 }, () => random.shuffled(TOKENS)).flat();
    const load = new CheckoutLoad(this.buyers, { rate, sku: this.sku, tokens });
    const refunds = new Refunds(this.merchant, { amount: REFUND, orders: () => load.accepted });
    const renames = new Renames(this.merchant, `${this.sku}-renamed`);
    const caller = new Caller(this.o.cluster.service('psp').url, this.pspApiKey());
    const faults: Fault[] = [];
    try {
      while (load.accepted.length < UNDER_WAY) await sleep(100, undefined, { signal });
      await inTurns(this.o.atOnce, this.plan(seed, random), ({ service, points }) => this.chain(service, faults, seed).run(points));
      waits.begin(); // from now on all of them run
    } finally {
      await (signal.aborted ? load.abandon() : load.stop(90_000));
      await refunds.stop(signal.aborted ? 0 : 60_000);
      await renames.stop();
      await caller.stop();
    }
    return { accepted: load.accepted, refunds: refunds.made, faults };
  }

  /** Before a message was there, its reader had nothing to do: the writer may have been dead as well. */
  private recovered(fault: Fault): Recovered {
    const { at, work } = fault;
    if (at === undefined || !work) return fault;
    return { ...fault, recovery: work.at - Math.max(at, this.evidences.published(work.messageId) ?? at) };
  }

  /** The seed's points, by service, each with the occurrence at which it is to act. */
  private plan(seed: number, random: Random): { service: string; points: (Point & { hit: number })[] }[] {
    const points = random.shuffled(dealt(this.o.points, seed, this.o.parts)).map((point) => ({ ...point, hit: random.upTo(point.hits) }));
    const services = random.shuffled([...new Set(points.map(({ service }) => service))]);
    const chains = services.map((service) => ({ service, points: points.filter((each) => each.service === service) }));
    // A pause takes as long as five kills: at the end it would be alone.
    const pauses = (chain: (typeof chains)[number]) => chain.points.filter(({ action }) => action === 'stop').length;
    return chains.sort((a, b) => pauses(b) - pauses(a));
  }

  private chain(name: string, faults: Fault[], seed: number): Chain {
    const { cluster, patience, signal, say } = this.o;
    return new Chain({
      ...{ service: cluster.service(name), patience, pause: PAUSE, signal },
      say: (line) => say(`seed ${seed}: ${line}`),
      done: (fault) => faults.push(fault),
      beside: (work) => this.beside(name, work),
    });
  }

  /** With another instance of the service, which takes over what the first one leaves. */
  private async beside<T>(service: string, work: () => Promise<T>): Promise<T> {
    const instance = `${service}-beside-${this.siblings.length}`;
    this.siblings.push([service, this.o.cluster.home.logOf(instance)]);
    try {
      await this.drill.deploy(service, instance, join(workspaceRoot(), 'apps', service, 'dist', 'src', 'main.js'));
      return await work();
    } finally {
      await this.drill.retire(instance);
    }
  }

  private pspApiKey(): string {
    return (JSON.parse(readFileSync(this.o.cluster.home.secrets, 'utf8')) as { pspApiKey: string }).pspApiKey;
  }

  private async statuses(orders: readonly string[]): Promise<(status: string) => number> {
    const text = 'SELECT status, count(*)::int AS n FROM orders WHERE id = ANY ($1) GROUP BY status';
    const rows = await this.drill.query('primary', 'order', text, [orders]);
    return (status) => Number(rows.find((row) => row['status'] === status)?.['n'] ?? 0);
  }

  /** Until nothing is on its way and nothing is found, or patience ends: then it is what is found. */
  private async settled(waits: Waits): Promise<Finding[]> {
    const end = Date.now() + this.o.quiet;
    for (;;) {
      const unfinished = await this.evidences.unfinished();
      const late = Date.now() > end || this.o.signal.aborted;
      if (unfinished.length && !late) {
        await sleep(500);
        continue;
      }
      const found = findings(await this.evidences.gather({ ...this.told, waits: waits.seen }, new Map([[this.sku, STOCK]])));
      if (!found.length || late) return [...found, ...unfinished.map((what): Finding => ({ kind: 'lost', what: `${what} never end` }))];
      await sleep(1_000);
    }
  }
}
