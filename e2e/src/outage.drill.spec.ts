import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@ballast/testing';
import { Checker } from './checker.js';
import { drilledPlatform, OUTAGE_SECONDS } from './drill.client.js';
import { CheckoutLoad, isPoliteRefusal, registerBuyers, signInAgain } from './load.js';
import { Shopper } from './shop.js';

const { platform, drill } = drilledPlatform();
const { gateway, credentials } = platform;
const RATE = 4;
const sku = 'sku-outage';
/** Enough that most find their cart free although no order ends for as long as Kafka is away. */
const BUYERS = Math.min(RATE * (OUTAGE_SECONDS + 5), 240);

let merchant: Shopper;
let buyers: Shopper[];
let visitor: Shopper;
let checker: Checker;
let load: CheckoutLoad;

beforeAll(async () => {
  merchant = await Shopper.signIn(gateway, credentials.merchant);
  await merchant.put(`/products/${sku}`, { name: 'Outage', price: { amount: 300, currency: 'EUR' }, stock: 100_000 });
  buyers = await registerBuyers([gateway], BUYERS);
  await buyers[0]!.knows(sku);
});
beforeEach(async () => {
  await drill.heal();
  await signInAgain([merchant, ...buyers]);
  visitor = await Shopper.register(gateway);
  checker = await Checker.open(platform, merchant, [sku]);
  load = new CheckoutLoad(buyers, { sku, rate: RATE });
  await accepted(2 * RATE);
});
afterEach(() => load.abandon());
afterAll(() => drill.heal());

describe(`for ${OUTAGE_SECONDS} s under load`, () => {
  it('the database is away: carts say so and when to come back; every accepted order ends CONFIRMED', async () => {
    await drill.pausePostgres('primary', 'replica');
    await outage(async () => {
      for (const answer of [
        await visitor.get('/cart'),
        await visitor.put(`/cart/items/${sku}`, { quantity: 1 }),
        await visitor.post('/cart/checkout', { paymentToken: 'tok_ok' }, { 'idempotency-key': 'while-it-is-away' }),
      ]) {
        expect(answer).toMatchObject({ status: 503, body: { code: expect.any(String), traceId: expect.any(String) } });
        expect(isPoliteRefusal(answer)).toBe(true);
      }
    });
    await drill.resumePostgres();
    await allEndsWell();
  });

  it.each([
    ['hangs', () => drill.pauseKafka(), () => drill.resumeKafka()],
    ['crashes', () => drill.killKafka(), () => drill.startKafka()],
  ])('Kafka %s: carts work as ever; every accepted order ends CONFIRMED', async (_, takeAway, bringBack) => {
    await takeAway();
    await outage(async () => {
      expect((await visitor.get('/cart')).status).toBe(200);
      const asked = performance.now();
      const { status, body } = await visitor.checkout({ [sku]: 1 });
      expect(status).toBe(202);
      load.accepted.push({ orderId: body.orderId, buyer: visitor, sku, token: 'tok_ok', quantity: 1, asked, at: performance.now() });
      expect(await visitor.put(`/cart/items/${sku}`, { quantity: 2 })).toMatchObject({ status: 409, body: { code: 'CART_CHECKING_OUT' } });
    });
    await bringBack();
    await allEndsWell();
  });
});

/** The time something is away; what is seen is looked at when half of it has passed. */
async function outage(look: () => Promise<void>): Promise<void> {
  const end = sleep(OUTAGE_SECONDS * 1000);
  await sleep(OUTAGE_SECONDS * 500);
  await look();
  await end;
}

async function allEndsWell(): Promise<void> {
  const back = performance.now();
  const sinceThen = () => ((performance.now() - back) / 1000).toFixed(1);
  await accepted(load.accepted.length + 1);
  const first = sinceThen();
  await accepted(load.accepted.length + 2 * RATE);
  const orders = await load.stop();
  const differences = await checker.check(orders, 120_000);
  const { counts, broken } = load.answers;
  process.stdout.write(
    `\n${orders.length} accepted, the next one ${first} s after it was back, all checked ${sinceThen()} s after; ${JSON.stringify(counts)}\n`,
  );
  expect(differences).toEqual([]);
  expect(broken).toEqual([]);
  await drill.ready();
}

async function accepted(atLeast: number): Promise<void> {
  await eventually(() => expect(load.accepted.length).toBeGreaterThanOrEqual(atLeast), { timeout: 60_000 });
}
