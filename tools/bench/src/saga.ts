import { type Cluster, ClusterError } from '@ballast/cluster';
import { type Acknowledged, CheckoutLoad, registerBuyers, Shopper, signInAgain } from '@ballast/e2e';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Chain } from './chain.js';
import { openDbos } from './dbos.js';
import { type Measure, median, quantile, type Result, type Side } from './figures.js';
import { closedLoop, until } from './load.js';
import { compared, inTurns, inTurnsOf, type Scale, warmUps } from './rounds.js';
import type { Stage } from './stage.js';

const SKU = 'sku-bench';
/** As many as keep every part busy. */
const BUYERS = 16;
const TICKS_PER_SECOND = 100;
/** Access tokens live for ten minutes. */
const SIGN_IN_EVERY = 300_000;
/** Until the first orders have gone all the way, s. */
const WARM_UP = 3;
/** After the last was asked for, an order has so long to end, s. */
const PATIENCE = 120;

/**
 * Whole checkouts through the six services as `npm start` runs them, against their bare chain in one process, on the same Postgres and the same Kafka; only
 * one side works at a time. The platform's figures have the HTTP requests of its buyers in them, and this process, which sends those.
 */
export async function sagaBench(stage: Stage, scale: Scale): Promise<Omit<Result, 'seconds'>> {
  const { cluster } = stage;
  if (!cluster) throw new Error('whole checkouts need a stage with the platform');
  let chain: Chain | undefined;
  let dbos: Awaited<ReturnType<typeof openDbos>> | undefined;
  try {
    const platform = await Platform.open(cluster, scale.signal);
    const bare = (chain = await Chain.open(stage));
    const durable = (dbos = await openDbos(await stage.store('bench_dbos')));
    const seconds = scale.quick ? 3 : 7;
    const saturated: [string, () => Promise<number>][] = [
      ['checkouts', () => platform.saturated(2 * seconds)],
      ['bare chain', () => closedLoop(BUYERS, seconds, () => bare.checkout())],
      ['DBOS, 5 steps', () => closedLoop(BUYERS, seconds, () => durable.workflow())],
    ];
    const warming = await warmUps(scale, saturated);
    const perSecond = await inTurns(scale, 'at saturation', saturated);
    const [checkouts, chains, workflows] = perSecond as [Side, Side, Side];
    // Both at the same rate, half of what the slower one can.
    const rate = Math.max(1, Math.min(median(checkouts.values), median(chains.values)) / 2);
    const { p50, p99 } = await inTurnsOf(scale, `at ${rate.toFixed(1)}/s`, [
      ['checkout', () => platform.latencies(rate, seconds)],
      ['bare chain', () => bare.latencies(rate, Math.ceil(rate * seconds))],
    ]);
    const cost = await platform.cost(rate, seconds);
    const alone = (name: string, unit: string, value: number, goal?: Measure['goal']): Measure => ({
      ...{ what: name, unit, ours: { name, values: [value] } },
      ...(goal && { goal }),
    });
    const lost = await platform.unfinished();
    return {
      name: 'saga',
      about: `Whole checkouts (accepted to confirmed) through six services in as many processes, beside the bare chain of one: nine Kafka hops and twelve commits on pg and kafkajs alone, message by message, in one process without HTTP. DBOS: a workflow of five steps on the same Postgres, one process. ${BUYERS} at once each.`,
      measures: [
        compared('checkouts at saturation ÷ bare chain', '/s', [checkouts, chains], { is: 'at least', bound: 1 }),
        compared('checkouts at saturation ÷ DBOS workflows', '/s', [checkouts, workflows], { is: 'at least', bound: 1 }),
        compared('checkout at half load, p50', 'ms', p50, { is: 'at most', bound: 1.5 }),
        compared('checkout at half load, p99', 'ms', p99),
        alone('commits per checkout', '', cost.commits, { is: 'at most', bound: 20 }),
        alone('CPU of the services per checkout', 'ms', cost.cpu),
      ],
      curves: [],
      notes: [
        `Commits are of all databases together, without those that come by the clock (measured idle and taken off).`,
        `Half load is ${rate.toFixed(1)} checkouts a second, half of the slower side's saturation. The clock of both sides begins with the request for the checkout, the platform's at its buyer. Of ${platform.turns.begun} turns of buyers ${platform.turns.leftOut} were left out, since too many or all buyers waited for an order.`,
        `Each side first ran until it got no faster, a second: ${warming}. A service that was started a minute ago is not yet compiled by V8.`,
      ],
      lost,
    };
  } finally {
    await dbos?.close();
    await chain?.close();
  }
}

/** The platform from its buyers' side, and its databases for what they need not know. */
class Platform {
  private accepted = 0;
  /** Of buyers at a steady rate. */
  readonly turns = { begun: 0, leftOut: 0 };
  private signedIn = performance.now();

  private constructor(
    private readonly cluster: Cluster,
    private readonly buyers: Shopper[],
    private readonly signal: AbortSignal,
  ) {}

  static async open(cluster: Cluster, signal: AbortSignal): Promise<Platform> {
    const merchant = await Shopper.signIn(cluster.url, cluster.accounts.merchant);
    const { status } = await merchant.put(`/products/${SKU}`, {
      name: 'Measure',
      price: { amount: 100, currency: 'EUR' },
      stock: 10_000_000,
    });
    if (status !== 200) throw new Error(`the product was not taken: ${status}`);
    const buyers = await registerBuyers([cluster.url], 2 * BUYERS);
    await buyers[0]!.knows(SKU);
    return new Platform(cluster, buyers, signal);
  }

  /** Confirmed a second: so many buyers, each of whom begins again when the last order is confirmed. What they start with is not counted. */
  async saturated(seconds: number): Promise<number> {
    await this.signInAgain();
    const waiting = new Map<string, () => void>();
    const end = performance.now() + (seconds + WARM_UP) * 1_000;
    let [counted, done] = [0, false];
    const buying = this.buyers.slice(0, BUYERS).map(async (buyer) => {
      while (performance.now() < end && !this.signal.aborted) {
        const orderId = await this.buy(buyer);
        if (!orderId) continue;
        this.accepted++;
        await new Promise<void>((resolve) => waiting.set(orderId, resolve));
        const left = end - performance.now();
        if (left >= 0 && left < seconds * 1_000) counted++;
      }
    });
    const all = Promise.all(buying).finally(() => (done = true));
    // One question for all of them: buyers who each look after their order would be a load of their own.
    while (!done) {
      this.signal.throwIfAborted();
      await sleep(25);
      if (performance.now() > end + PATIENCE * 1_000)
        throw new ClusterError(`${waiting.size} orders were accepted and have no end ${PATIENCE} s after the last was asked for`);
      const sql = `SELECT id FROM orders WHERE status <> 'PENDING' AND id = ANY ($1::uuid[])`;
      for (const { id } of await this.query<{ id: string }>('order', sql, [[...waiting.keys()]])) {
        waiting.get(id)!();
        waiting.delete(id);
      }
    }
    await all;
    return counted / seconds;
  }

  private async signInAgain(): Promise<void> {
    if (performance.now() - this.signedIn < SIGN_IN_EVERY) return;
    await signInAgain(this.buyers);
    this.signedIn = performance.now();
  }

  /** The order's id; undefined while the cart has not heard of the last one's end. */
  private async buy(buyer: Shopper): Promise<string | undefined> {
    const item = await buyer.put(`/cart/items/${SKU}`, { quantity: 1 });
    if (item.status !== 200) return void (await sleep(20));
    const { status, body } = await buyer.checkout({}, 'tok_ok', randomUUID());
    return status === 202 ? body.orderId : void (await sleep(20));
  }

  /** From the buyer's request for the checkout to the last step of its saga: p50 and p99, ms. One machine, so one clock. */
  async latencies(rate: number, seconds: number): Promise<{ p50: number; p99: number }> {
    await this.signInAgain();
    const accepted = await this.under(rate, seconds);
    if (!accepted.length) throw new Error(`no checkout was accepted at ${rate.toFixed(1)} a second`);
    const epoch = Date.now() - performance.now();
    const asked = new Map(accepted.map((each) => [each.orderId, epoch + each.asked]));
    const rows = await this.query<{ id: string; at: string }>(
      'order',
      `SELECT id, extract(epoch FROM finished_at) * 1000 AS at FROM saga WHERE id = ANY ($1::uuid[])`,
      [[...asked.keys()]],
    );
    const all = rows.map(({ id, at }) => Number(at) - asked.get(id)!);
    if (all.length < accepted.length) throw new Error(`of ${accepted.length} orders ${all.length} have a saga`);
    return { p50: quantile(all, 0.5), p99: quantile(all, 0.99) };
  }

  /** Of one checkout: commits in all databases, and CPU of the services, ms; less what goes on without any. */
  async cost(rate: number, seconds: number): Promise<{ commits: number; cpu: number }> {
    const usage = async () => ({ commits: await this.commits(), cpu: this.cpu(), at: performance.now() });
    const less = (a: Awaited<ReturnType<typeof usage>>, b: typeof a) => ({
      commits: b.commits - a.commits,
      cpu: b.cpu - a.cpu,
      ms: b.at - a.at,
    });
    await this.signInAgain();
    const rest = await usage();
    await sleep(seconds * 1_000);
    const begin = await usage();
    const before = await this.confirmed();
    await this.under(rate, seconds);
    const [idle, busy, count] = [less(rest, begin), less(begin, await usage()), (await this.confirmed()) - before];
    const share = busy.ms / idle.ms;
    return { commits: (busy.commits - idle.commits * share) / count, cpu: (busy.cpu - idle.cpu * share) / count };
  }

  /** Accepted and not confirmed. */
  async unfinished(): Promise<number> {
    return this.accepted - (await this.confirmed());
  }

  private async under(rate: number, seconds: number): Promise<Acknowledged[]> {
    const load = new CheckoutLoad(this.buyers, { rate, limit: BUYERS, sku: SKU });
    await sleep(seconds * 1_000);
    const accepted = await load.stop();
    this.accepted += accepted.length;
    this.turns.begun += accepted.length + load.leftOut + load.unserved.length;
    this.turns.leftOut += load.leftOut + load.unserved.length;
    await until('every order ending', async () => (await this.confirmed()) >= this.accepted, PATIENCE);
    return accepted;
  }

  private async confirmed(): Promise<number> {
    return (await this.query<{ n: number }>('order', `SELECT count(*)::int AS n FROM orders WHERE status = 'CONFIRMED'`))[0]!.n;
  }

  /** A transaction that reads is a commit in the statistics too; one that writes has an id. */
  private async commits(): Promise<number> {
    const [row] = await this.query<{ n: string }>('order', `SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS n`);
    return Number(row!.n);
  }

  private cpu(): number {
    const pids = [...this.cluster.services.values()].flatMap(({ pid }) => pid ?? []);
    return pids.reduce((sum, pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return sum + ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
    }, 0);
  }

  private query<Row extends object>(database: string, sql: string, values: unknown[] = []): Promise<Row[]> {
    const { nodes, primary } = this.cluster.postgres;
    const node = nodes.find(({ host }) => host.port === primary.port)!;
    return node.session(async (client) => (await client.query<Row>(sql, values)).rows, { database });
  }
}
