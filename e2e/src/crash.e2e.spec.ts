import { eventually, isRunning, killProcess } from '@ballast/testing';
import { capturesOf, onHand } from './books.js';
import { platform } from './platform.js';
import { Shopper } from './shop.js';

const { gateway, credentials } = platform();
const ORDERS_PER_KILL = 4;

/** Kills a service the hard way and waits until its supervisor has another one ready. */
async function crash(service: string): Promise<void> {
  const { pid } = platform().services[service]!;
  killProcess(pid);
  await eventually(
    async () => {
      expect(isRunning(pid)).toBe(false);
      const now = platform().services[service]!;
      expect(now.pid).not.toBe(pid);
      expect((await Shopper.anonymous(now.url).get('/health/ready')).status).toBe(200);
    },
    { timeout: 30_000 },
  );
}

describe('kill -9 of a service while orders are on their way', () => {
  let merchant: Shopper;
  beforeAll(async () => void (merchant = await Shopper.signIn(gateway, credentials.merchant)));

  // psp too: a call that was cut off is asked after, not guessed.
  it.each(['order', 'inventory', 'payment', 'cart', 'psp'])(
    '%s: every order it had accepted ends CONFIRMED, paid and taken from stock once',
    async (service) => {
      const sku = `sku-crash-${service}`;
      await merchant.put(`/products/${sku}`, { name: `Crash of ${service}`, price: { amount: 250, currency: 'EUR' }, stock: 100 });
      const buyers = await Promise.all(Array.from({ length: ORDERS_PER_KILL }, () => Shopper.register(gateway)));
      await buyers[0]!.knows(sku);

      // The tokens that take longest, so that the kill meets orders at every step of theirs.
      const tokens = ['tok_ok', 'tok_unknown', 'tok_flaky', 'tok_slow'];
      const accepted = await Promise.all(buyers.map((buyer, i) => buyer.checkout({ [sku]: 1 }, tokens[i % tokens.length])));
      expect(accepted.map((a) => a.status)).toEqual(Array(ORDERS_PER_KILL).fill(202));
      await crash(service);

      const orders = await Promise.all(buyers.map((buyer, i) => buyer.final(accepted[i]!.body.orderId, 90_000)));
      expect(orders.map((o) => o.status)).toEqual(Array(ORDERS_PER_KILL).fill('CONFIRMED'));
      expect(await onHand(merchant, sku)).toBe(100 - ORDERS_PER_KILL);
      for (const order of orders) expect(await capturesOf(merchant, order.orderId)).toEqual({ payment: 250, psp: [250] });
    },
  );

  it('leaves a balanced ledger', async () => {
    expect((await merchant.get('/payments/ledger')).body).toMatchObject({ balanced: true });
  });
});
