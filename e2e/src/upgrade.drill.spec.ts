import { eventually } from '@ballast/testing';
import type { QueryRunner } from 'typeorm';
import { AccountDropped1797000000002 } from '../upgrade/order-last/src/migrations/1797000000002-account-dropped.js';
import { BuyerColumn1797000000000 } from '../upgrade/order-next/src/migrations/1797000000000-buyer-column.js';
import { BuyerBackfill1797000000001 } from '../upgrade/order-next/src/migrations/1797000000001-buyer-backfill.js';
import { Checker } from './checker.js';
import { drilledPlatform } from './drill.client.js';
import { Answers, CheckoutLoad, OpenLoop, registerBuyers } from './load.js';
import { Shopper } from './shop.js';
import { buildVersion, versions } from './upgrade.js';

/** What the guides in docs/guides say, done under load: each version beside the one before it. What it deploys is in e2e/upgrade. */
const { platform, drill } = drilledPlatform();
const sku = 'sku-upgrade';
const patience = { timeout: 60_000 };

const sql = (database: string, text: string, values: unknown[] = []) => drill.query('primary', database, text, values);
const count = async (database: string, what: string) => Number((await sql(database, `SELECT count(*)::int AS n FROM ${what}`))[0]!['n']);
const columns = async () =>
  (await sql('order', `SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'`)).map((row) => row['column_name']);

/** The value of a counter that an instance shows. */
async function metric(url: string, name: string): Promise<number> {
  const line = (await (await fetch(`${url}/metrics`)).text()).split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}
const confirmedBy = (url: string, version: 1 | 2, outcome: 'handled' | 'duplicate') =>
  metric(url, `ballast_consumer_messages_total{type="order.confirmed.v${version}",outcome="${outcome}"}`);

/** The platform as the tests see it: by the gateway they can tell where to send, and with the instances that run. */
let seen: typeof platform;
let since: Date;
let mains: Record<keyof typeof versions, string>;
let checker: Checker;
let load: CheckoutLoad;
let reads: OpenLoop;
const answers = new Answers();

async function deploy(service: 'order' | 'cart', version: keyof typeof versions): Promise<string> {
  const url = await drill.deploy(service, version, mains[version]);
  seen.services[service] = { ...seen.services[service]!, url };
  return url;
}

beforeAll(async () => {
  // Before the load: this process stands still meanwhile.
  mains = {
    'order-next': buildVersion('order-next'),
    'order-last': buildVersion('order-last'),
    'cart-next': buildVersion('cart-next'),
  };
  await drill.heal();
  const gateway = await drill.openGateway();
  seen = { ...platform, gateway, services: { ...platform.services } };
  const merchant = await Shopper.signIn(gateway, platform.credentials.merchant);
  await merchant.put(`/products/${sku}`, { name: 'Upgrade', price: { amount: 450, currency: 'EUR' }, stock: 100_000 });
  const buyers = await registerBuyers([gateway], 60);
  await buyers[0]!.knows(sku);
  checker = await Checker.open(seen, merchant, [sku]);
  since = new Date(String((await sql('order', 'SELECT now()::text AS now'))[0]!['now']));
  // With the slow token there are always sagas in the middle.
  load = new CheckoutLoad(buyers, { sku, rate: 3, tokens: ['tok_ok', 'tok_slow'] });
  const paths = ['/products', '/orders', '/cart', '/payments/ledger', '/auth/accounts/me'];
  reads = new OpenLoop({ rate: 10 }, (n) => {
    const path = paths[n % paths.length]!;
    return answers.of(`GET ${path}`, () => (path === '/orders' ? buyers[n % buyers.length]! : merchant).get(path));
  });
});

afterAll(async () => {
  await reads.stop();
  await load.abandon();
  for (const instance of Object.keys(versions)) await drill.retire(instance);
  // The platform is other drills' too: its database goes back to the version of the app.
  const runner = { query: (text: string) => sql('order', text) } as unknown as QueryRunner;
  for (const migration of [new AccountDropped1797000000002(), new BuyerBackfill1797000000001(), new BuyerColumn1797000000000()]) {
    const { name } = migration.constructor;
    if (await count('order', `migrations WHERE name = '${name}'`)) await migration.down(runner);
    await sql('order', 'DELETE FROM migrations WHERE name = $1', [name]);
  }
  await drill.heal();
});

/** Nothing but definite answers: also a polite 503 is a request that failed. */
function expectNoFailedRequest(): void {
  const failed = Object.keys({ ...load.answers.counts, ...answers.counts }).filter((what) => / (5\d\d|no answer)$/.test(what));
  expect([failed, load.answers.broken, answers.broken]).toEqual([[], [], []]);
}
afterEach(expectNoFailedRequest);

const sagas = (definition: string, more = '') => count('order', `saga WHERE definition = '${definition}' ${more}`);
const confirmedMore = async () => {
  const before = await count('order', `orders WHERE status = 'CONFIRMED'`);
  await eventually(async () => expect(await count('order', `orders WHERE status = 'CONFIRMED'`)).toBeGreaterThan(before + 5), patience);
};

it('an order service that starts checkout.v2, beside one that has never heard of it', async () => {
  await confirmedMore();
  await deploy('order', 'order-next');
  await drill.route('/orders', ['order', 'order-next']);
  // Each finishes sagas while the other's are under way, and replies to the new ones come to the old replica.
  const overlap = `AND finished_at > (SELECT min(created_at) FROM saga WHERE definition = 'checkout.v2')`;
  await eventually(async () => expect(await sagas('checkout.v1', overlap)).toBeGreaterThan(5), patience);
  await eventually(async () => expect(await sagas('checkout.v2', `AND status = 'COMPLETED'`)).toBeGreaterThan(5), patience);
  const parked = 'ballast_saga_replies_parked_total{definition="checkout.v2"}';
  await eventually(async () => expect(await metric(platform.services['order']!.url, parked)).toBeGreaterThan(0), patience);
  expect(await columns()).toEqual(expect.arrayContaining(['account_id', 'buyer_id']));
});

it('is rolled back: its sagas rest and everything else goes on, and it continues when it is there again', async () => {
  const unfinished = () => sagas('checkout.v2', 'AND finished_at IS NULL');
  await eventually(async () => {
    expect(await unfinished()).toBeGreaterThan(1);
    await drill.retire('order-next');
    expect(await unfinished()).toBeGreaterThan(0);
  }, patience);
  await drill.route('/orders', ['order']);
  await confirmedMore();
  await eventually(async () => expect(await count('order', 'saga_parked_reply')).toBeGreaterThan(0), patience);
  expect(await unfinished()).toBeGreaterThan(0);

  await deploy('order', 'order-next');
  await drill.route('/orders', ['order', 'order-next']);
  await eventually(async () => expect(await count('order', 'saga_parked_reply')).toBe(0), patience);
});

it('the old order service goes', async () => {
  await drill.stopService('order');
  await drill.route('/orders', ['order-next']);
  await confirmedMore();
});

it('a cart service that takes either version of the event, beside one that takes the old one, which then goes', async () => {
  expect(await confirmedBy(platform.services['cart']!.url, 1, 'handled')).toBeGreaterThan(0);
  const cart = await deploy('cart', 'cart-next');
  await drill.route('/cart', ['cart', 'cart-next']);
  await eventually(async () => {
    expect(await confirmedBy(cart, 1, 'handled')).toBeGreaterThan(5);
    expect(await confirmedBy(cart, 2, 'duplicate')).toBeGreaterThan(5);
  }, patience);
  await drill.stopService('cart');
  await drill.route('/cart', ['cart-next']);
  await confirmedMore();
});

it('an order service that publishes the new event alone and drops the old column, beside the one before it, which then goes', async () => {
  await deploy('order', 'order-last');
  await drill.route('/orders', ['order-next', 'order-last']);
  await confirmedMore();
  await drill.retire('order-next');
  await drill.route('/orders', ['order-last']);
  const cart = seen.services['cart']!.url;
  await eventually(async () => expect(await confirmedBy(cart, 2, 'handled')).toBeGreaterThan(5), patience);
  expect(await columns()).toEqual(expect.not.arrayContaining(['account_id']));
});

it('every accepted order is confirmed, paid once and shipped once; no saga rests, no cart waits, nothing is dead-lettered', async () => {
  await reads.stop();
  const accepted = await load.stop();
  process.stdout.write(`\n${accepted.length} accepted; ${JSON.stringify({ ...load.answers.counts, ...answers.counts })}\n`);
  expect(await checker.check(accepted)).toEqual([]);

  const ids = accepted.map(({ orderId }) => orderId);
  const run = await sql('order', 'SELECT definition, status, count(*)::int AS n FROM saga WHERE id = ANY ($1) GROUP BY 1, 2 ORDER BY 1', [
    ids,
  ]);
  process.stdout.write(`${JSON.stringify(run)}\n`);
  expect(run.map(({ definition, status }) => [definition, status])).toEqual([
    ['checkout.v1', 'COMPLETED'],
    ['checkout.v2', 'COMPLETED'],
  ]);
  await eventually(async () => expect(await count('cart', `cart WHERE status = 'CHECKING_OUT'`)).toBe(0), patience);
  for (const database of ['order', 'cart', 'inventory', 'payment'])
    expect(await sql(database, 'SELECT type, reason, error FROM dead_letter WHERE created_at >= $1', [since])).toEqual([]);
});
