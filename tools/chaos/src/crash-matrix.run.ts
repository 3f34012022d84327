import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, ClusterError, type SupervisedService } from '@ballast/cluster';
import { CheckoutLoad, Drill, type Finding, findings, registerBuyers, Shopper, signInAgain } from '@ballast/e2e';
import { join } from 'node:path';
import { workspaceRoot } from '@ballast/testing';
import { Evidences } from './crash-matrix.gather.js';
import { armedAs, type Point, titleOf } from './crash-matrix.points.js';
import { Random } from './crash-matrix.random.js';

/** Longer than a relay's lease (15 s) and a consumer's session (6 s). */
const PAUSE = 17_000;
const BUYERS = 40;
const PRICE = 250;
const STOCK = 100_000;
/** As often as they are here; slow ones are few, since each holds a buyer for seconds. */
const TOKENS = ['tok_ok', 'tok_ok', 'tok_ok', 'tok_ok', 'tok_declined', 'tok_insufficient_funds', 'tok_slow', 'tok_flaky', 'tok_unknown'];

export interface Killed {
  point: string;
  seed: number;
  /** Milliseconds from the death to "ready and lacks nothing"; undefined for what was paused, or died again before. */
  recovery?: number;
  /** False: nothing came by in time, and nothing was killed. */
  reached: boolean;
}

export interface SeedResult {
  seed: number;
  accepted: number;
  confirmed: number;
  rejected: number;
  refunds: number;
  seconds: number;
  kills: Killed[];
  findings: Finding[];
}

export interface MatrixOptions {
  cluster: Cluster;
  points: readonly Point[];
  seeds: readonly number[];
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
  private readonly accepted: { orderId: string; token: string; sku: string; quantity: number }[] = [];
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
    const { points, rate, say, signal } = this.o;
    const start = performance.now();
    const random = new Random(seed);
    await Promise.all([signInAgain(this.buyers), this.merchant.signInAgain()]);
    const tokens = Array.from({ length: 40 }, () => random.shuffled(TOKENS)).flat();
    const load = new CheckoutLoad(this.buyers, { rate, sku: this.sku, tokens });
    const refunds = new Refunds(this.merchant, () => load.accepted);
    const kills: Killed[] = [];
    try {
      const chains = [...new Set(points.map(({ service }) => service))].map((service) => {
        const own = points.filter((each) => each.service === service);
        // Pauses come last: they need another instance beside.
        const order = [...random.shuffled(own.filter(({ action }) => action === 'kill')), ...own.filter(({ action }) => action === 'stop')];
        return this.chain(
          service,
          order.map((each) => ({ ...each, hit: random.upTo(each.hits) })),
          seed,
          kills,
        );
      });
      await Promise.all(chains);
    } finally {
      refunds.stop();
      await (signal.aborted ? load.abandon() : load.stop(90_000));
      await refunds.ended;
    }
    this.accepted.push(...load.accepted.map(({ orderId, token, sku, quantity }) => ({ orderId, token, sku, quantity })));
    say(`seed ${seed}: ${load.accepted.length} checkouts accepted, waiting until quiet`);
    const found = await this.settled();
    const statuses = await this.drill.query(
      'primary',
      'order',
      'SELECT status, count(*)::int AS n FROM orders WHERE id = ANY ($1) GROUP BY status',
      [load.accepted.map(({ orderId }) => orderId)],
    );
    const count = (status: string) => Number(statuses.find((row) => row['status'] === status)?.['n'] ?? 0);
    return {
      ...{ seed, kills, findings: found, accepted: load.accepted.length, refunds: refunds.made },
      ...{ confirmed: count('CONFIRMED'), rejected: count('REJECTED'), seconds: (performance.now() - start) / 1000 },
    };
  }

  /** Until nothing is on its way and nothing is found, or patience ends: then it is what is found. */
  private async settled(): Promise<Finding[]> {
    const end = Date.now() + this.o.quiet;
    for (;;) {
      const unfinished = await this.evidences.unfinished();
      const late = Date.now() > end || this.o.signal.aborted;
      if (unfinished.length && !late) {
        await sleep(500);
        continue;
      }
      const found = findings(await this.evidences.gather(this.accepted, new Map([[this.sku, STOCK]])));
      if (!found.length || late) return [...found, ...unfinished.map((what): Finding => ({ kind: 'lost', what: `${what} never end` }))];
      await sleep(1_000);
    }
  }

  /**
   * One service, point after point: each next process is armed before its predecessor dies. The first death is a kill from outside, at any
   * moment; the last process has nothing armed.
   */
  private async chain(name: string, points: (Point & { hit: number })[], seed: number, kills: Killed[]): Promise<void> {
    const { cluster, say, signal, patience } = this.o;
    const service = cluster.service(name);
    const arm = (at: number) => service.environment({ BALLAST_FAILPOINTS: points[at] && armedAs(points[at], points[at].hit) });
    arm(0);
    await service.kill();
    let died = performance.now();
    let killed: Killed = { point: `${name}: anywhere`, seed, reached: true };
    for (let at = 0; ; at++) {
      const pid = await started(service, signal);
      arm(at + 1);
      const recovered = service.ready({ timeout: 60_000 }).then(() => performance.now() - died);
      const next = points[at];
      if (!next) {
        kills.push({ ...killed, recovery: await recovered });
        return;
      }
      if (next.action === 'stop') {
        kills.push({ ...killed, recovery: await recovered });
        const reached = await this.pause(service, pid);
        say(`seed ${seed}: ${titleOf(next)}${reached ? '' : ' was not reached'}`);
        killed = { point: titleOf(next), seed, reached };
        kills.push(killed);
        if (at + 1 === points.length) return service.environment({ BALLAST_FAILPOINTS: undefined });
        arm(at + 1);
        await service.kill();
        died = performance.now();
        killed = { point: `${name}: anywhere`, seed, reached: true };
        continue;
      }
      // It may die before it was ready: then that time counts for both.
      const death = gone(service, pid, patience, signal);
      const first = await Promise.race([recovered.catch(() => undefined), death.then(() => undefined)]);
      kills.push({ ...killed, ...(first !== undefined && { recovery: first }) });
      const reached = await death;
      if (!reached && service.pid === pid) await service.kill();
      if (first !== undefined || !reached) died = performance.now();
      say(`seed ${seed}: ${titleOf(next)}${reached ? '' : ' was not reached'}`);
      killed = { point: titleOf(next), seed, reached };
    }
  }

  /** With another instance beside, which takes the work over while this one sleeps. */
  private async pause(service: SupervisedService, pid: number): Promise<boolean> {
    const { patience, signal, cluster } = this.o;
    const instance = `${service.name}-beside-${this.siblings.length}`;
    service.environment({ BALLAST_FAILPOINTS: undefined });
    this.siblings.push([service.name, cluster.home.logOf(instance)]);
    await this.drill.deploy(service.name, instance, join(workspaceRoot(), 'apps', service.name, 'dist', 'src', 'main.js'));
    try {
      const end = Date.now() + patience;
      while (!isStopped(pid)) {
        if (Date.now() > end || signal.aborted) return false;
        await sleep(200);
      }
      await sleep(PAUSE, undefined, { signal });
      process.kill(pid, 'SIGCONT');
      await service.ready();
      return true;
    } finally {
      if (isStopped(pid)) process.kill(pid, 'SIGCONT');
      await this.drill.retire(instance);
    }
  }
}

/** A refund of a part, now and then, by the merchant; some come twice and some want too much. */
class Refunds {
  made = 0;
  readonly ended: Promise<void>;
  private over = false;

  constructor(
    private readonly merchant: Shopper,
    private readonly orders: () => readonly { orderId: string }[],
  ) {
    this.ended = this.run();
  }

  stop(): void {
    this.over = true;
  }

  private async run(): Promise<void> {
    for (let n = 0; !this.over; n++) {
      await sleep(400);
      const order = this.orders().at(-12 - (n % 5));
      if (order) await this.refund(order.orderId).catch(() => undefined); // away: the next one
    }
  }

  private async refund(orderId: string): Promise<void> {
    const { body } = await this.merchant.get<{ items: { paymentId: string; captured: { amount: number } }[] }>(
      `/payments?orderId=${orderId}`,
    );
    const payment = body.items[0];
    if (!payment?.captured.amount) return;
    const amount = { amount: PRICE - 100, currency: 'EUR' };
    const key = { 'idempotency-key': randomUUID() };
    const { status } = await this.merchant.post(`/payments/${payment.paymentId}/refunds`, { amount }, key);
    if (status === 201) this.made++;
  }
}

async function started(service: SupervisedService, signal: AbortSignal): Promise<number> {
  for (let waited = 0; waited < 60_000; waited += 20) {
    signal.throwIfAborted();
    if (service.pid !== undefined) return service.pid;
    await sleep(20);
  }
  throw new ClusterError(`${service.name} was not started again`);
}

/** True once the process has ended; false when patience has. */
async function gone(service: SupervisedService, pid: number, patience: number, signal: AbortSignal): Promise<boolean> {
  for (const end = Date.now() + patience; service.pid === pid;) {
    if (Date.now() > end || signal.aborted) return false;
    await sleep(20);
  }
  return true;
}

const isStopped = (pid: number): boolean =>
  /^T/.test(spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim());
