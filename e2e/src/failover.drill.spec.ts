import { eventually } from '@ballast/testing';
import { Checker } from './checker.js';
import { drilledPlatform } from './drill.client.js';
import { Answers, CheckoutLoad, OpenLoop, registerBuyers } from './load.js';
import { Shopper } from './shop.js';

const { platform, drill } = drilledPlatform();
const { gateway, credentials } = platform;
const RATE = 8;
const sku = 'sku-failover';
/** Of a machine that does much else at the same time; the figure that is printed is the one that counts. */
const GENEROUS = 20_000;

let merchant: Shopper;
let buyers: Shopper[];
beforeAll(async () => {
  merchant = await Shopper.signIn(gateway, credentials.merchant);
  await merchant.put(`/products/${sku}`, { name: 'Failover', price: { amount: 700, currency: 'EUR' }, stock: 100_000 });
  buyers = await registerBuyers([gateway], 64);
  await buyers[0]!.knows(sku);
});
afterAll(() => drill.heal());

describe('the replica is promoted while checkouts run', () => {
  let load: CheckoutLoad;
  let checker: Checker;
  let processes: Record<string, number | null>;

  beforeEach(async () => {
    await drill.heal();
    await drill.synchronous(true);
    processes = await drill.services();
    checker = await Checker.open(platform, merchant, [sku]);
    load = new CheckoutLoad(buyers, { sku, rate: RATE });
    await acceptedSince(0, RATE);
  });
  afterEach(() => load.abandon());

  it('after the primary was killed: all goes on by itself, and every accepted order ends CONFIRMED', async () => {
    const reads = watched(() => Shopper.anonymous(gateway).get('/products'));
    const orders = watched(() => buyers[0]!.get('/orders'));
    const took = await drill.promote();
    const promoted = performance.now();
    const [first] = await acceptedSince(promoted, 1);
    await orders.recovered(promoted);
    await acceptedSince(promoted, 3 * RATE);

    await Promise.all([reads.stop(), orders.stop()]);
    const accepted = await load.stop();
    report('the old primary killed', took, {
      'first acknowledged checkout': first!.at - promoted,
      'first read of the primary': orders.recoveredAt! - promoted,
    });
    expect(first!.at - promoted).toBeLessThan(GENEROUS);
    expect(await checker.check(accepted)).toEqual([]);
    expect([load.answers.broken, reads.answers.broken, orders.answers.broken]).toEqual([[], [], []]);
    expect(await drill.services()).toEqual(processes);
  });

  it('while the old primary is frozen: when it wakes, believing it still is one, nobody writes to it', async () => {
    await drill.pausePostgres('primary');
    const took = await drill.promote({ beside: true });
    const promoted = performance.now();
    const [first] = await acceptedSince(promoted, 1);
    await drill.resumePostgres();
    expect(await drill.query('old', 'postgres', 'SELECT pg_is_in_recovery() AS standby')).toEqual([{ standby: false }]);
    await acceptedSince(performance.now(), 4 * RATE);

    const accepted = await load.stop();
    report('the old primary frozen', took, { 'first acknowledged checkout': first!.at - promoted });
    expect(first!.at - promoted).toBeLessThan(GENEROUS);
    expect(await checker.check(accepted)).toEqual([]);
    const ids = accepted.filter(({ at }) => at > promoted).map(({ orderId }) => orderId);
    const ofThose = (node: 'old' | 'primary', database: string, column: string, table: string) =>
      drill.query(node, database, `SELECT DISTINCT ${column} AS id FROM ${table} WHERE ${column} = ANY($1)`, [ids]);
    expect(await ofThose('primary', 'cart', 'order_id', 'cart')).toHaveLength(ids.length);
    expect(await ofThose('primary', 'order', 'id', 'orders')).toHaveLength(ids.length);
    expect(await ofThose('old', 'cart', 'order_id', 'cart')).toEqual([]);
    expect(await ofThose('old', 'order', 'id', 'orders')).toEqual([]);
    expect(load.answers.broken).toEqual([]);
    expect(await drill.services()).toEqual(processes);
  });

  /** The orders acknowledged since then, once there are so many. */
  function acceptedSince(moment: number, atLeast: number) {
    return eventually(
      () => {
        const since = load.accepted.filter(({ at }) => at > moment);
        if (since.length < atLeast)
          throw new Error(`${since.length} of ${atLeast} checkouts acknowledged: ${JSON.stringify(load.answers)}`);
        return since;
      },
      { timeout: 60_000, interval: 10 },
    );
  }
});

describe('a replica that is away', () => {
  beforeAll(() => drill.heal());

  it.each([
    ['dead', () => drill.killPostgres('replica')],
    ['frozen', () => drill.pausePostgres('replica')],
  ])('%s: no GET /products fails', async (_, takeAway) => {
    const anonymous = Shopper.anonymous(gateway);
    const reads = watched((n) => (n % 2 ? anonymous.get('/products') : anonymous.get(`/products/${sku}`)));
    await reads.answered(20);
    await takeAway();
    await reads.answered(150);
    await drill.resumePostgres();
    await drill.startPostgres();
    await reads.answered(20);
    await reads.stop();
    expect(Object.keys(reads.answers.counts)).toEqual(['read 200']);
  });
});

/** Asks 20 times a second. */
function watched(ask: (n: number) => ReturnType<typeof Shopper.prototype.get>) {
  const answers = new Answers();
  let lastGood: number | undefined;
  let recoveredAt: number | undefined;
  const loop = new OpenLoop({ rate: 20 }, async (n) => {
    const answer = await answers.of('read', () => ask(n));
    if (answer?.status === 200) lastGood = performance.now();
  });
  return {
    answers,
    stop: () => loop.stop(),
    get recoveredAt() {
      return recoveredAt;
    },
    async recovered(since: number) {
      await eventually(() => expect(lastGood).toBeGreaterThan(since), { timeout: 60_000, interval: 5 });
      recoveredAt = lastGood;
    },
    async answered(more: number) {
      const before = answers.total('read');
      await eventually(() => expect(answers.total('read')).toBeGreaterThanOrEqual(before + more), { timeout: 60_000 });
    },
  };
}

function report(what: string, promotion: number, times: Record<string, number>): void {
  const lines = Object.entries(times).map(([name, ms]) => `  ${name}: ${Math.round(ms)} ms after it`);
  process.stdout.write(`\n${what}; pg_promote took ${Math.round(promotion)} ms\n${lines.join('\n')}\n`);
}
