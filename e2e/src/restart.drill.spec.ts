import { eventually } from '@ballast/testing';
import { Checker } from './checker.js';
import { drilledPlatform } from './drill.client.js';
import { Answers, CheckoutLoad, OpenLoop, registerBuyers } from './load.js';
import { Shopper } from './shop.js';

const { platform, drill } = drilledPlatform();
const { gateway, credentials, services } = platform;
const RATE = 4;
const sku = 'sku-restart';

let merchant: Shopper;
let buyers: Shopper[];
beforeAll(async () => {
  await drill.heal();
  merchant = await Shopper.signIn(gateway, credentials.merchant);
  await merchant.put(`/products/${sku}`, { name: 'Restart', price: { amount: 450, currency: 'EUR' }, stock: 100_000 });
  buyers = await registerBuyers([gateway], 60);
  await buyers[0]!.knows(sku);
});
afterAll(() => drill.heal());

/**
 * Calls past our gateway, which would turn a reset into a 503: some beside one another, so that connections are idle and in use when the
 * service stops. As any load balancer does, they leave an instance alone that closes its connections, until it is ready again: whoever
 * goes on connecting to the last may be in the kernel's queue when nobody listens any more, and no server can answer that one. While
 * nobody listens a call is refused, which is no harm: the caller knows that it was not read.
 */
class DirectCalls {
  answered = 0;
  readonly cutOff: string[] = [];
  private leaving = false;
  private readonly calls: OpenLoop;
  private readonly looks: OpenLoop;

  constructor(url: string) {
    const service = Shopper.anonymous(url);
    this.calls = new OpenLoop({ rate: 50 }, async () => {
      if (this.leaving) return;
      try {
        const { status, headers } = await service.get('/nowhere');
        expect(status).toBe(404);
        this.leaving ||= headers.get('connection') === 'close';
        this.answered++;
      } catch (error) {
        const reason = (error as { cause?: { code?: string } }).cause?.code ?? String(error);
        if (reason !== 'ECONNREFUSED') this.cutOff.push(reason);
      }
    });
    this.looks = new OpenLoop({ rate: 2 }, async () => {
      const health = await service.get('/health/ready').catch(() => undefined);
      if (health?.status === 200) this.leaving = false;
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.calls.stop(), this.looks.stop()]);
  }
}

describe('SIGTERM under load', () => {
  let checker: Checker;
  let load: CheckoutLoad;
  let reads: OpenLoop;
  const answers = new Answers();

  beforeAll(async () => {
    checker = await Checker.open(platform, merchant, [sku]);
    // The slow token has its calls to the processor cut in the middle.
    load = new CheckoutLoad(buyers, { sku, rate: RATE, tokens: ['tok_ok', 'tok_ok', 'tok_slow'] });
    const paths = ['/products', '/orders', '/cart', '/payments/ledger', '/auth/accounts/me'];
    reads = new OpenLoop({ rate: 20 }, (n) => {
      const path = paths[n % paths.length]!;
      return answers.of(`GET ${path}`, () => merchant.get(path));
    });
  });

  afterAll(async () => {
    await reads.stop();
    await load.abandon();
  });

  it.each(Object.keys(services))('%s is started again, and nobody is cut off', async (name) => {
    const before = (await drill.services())[name];
    const accepted = load.accepted.length;
    const direct = new DirectCalls(services[name]!.url);
    await eventually(() => expect(direct.answered).toBeGreaterThan(20));
    await drill.signal(name, 'SIGTERM');
    await eventually(
      async () => {
        const now = (await drill.services())[name];
        expect(now).toEqual(expect.any(Number));
        expect(now).not.toBe(before);
      },
      { timeout: 40_000 },
    );
    await drill.ready();
    await eventually(() => expect(load.accepted.length).toBeGreaterThan(accepted), { timeout: 30_000 });
    await direct.stop();
    expect([load.answers.broken, answers.broken, direct.cutOff]).toEqual([[], [], []]);
  });

  it('has lost and doubled nothing', async () => {
    await reads.stop();
    const accepted = await load.stop();
    process.stdout.write(`\n${accepted.length} accepted; ${JSON.stringify({ ...load.answers.counts, ...answers.counts })}\n`);
    expect(await checker.check(accepted)).toEqual([]);
    expect([load.answers.broken, answers.broken]).toEqual([[], []]);
  });
});

describe('a start while auth, Kafka and the database are away', () => {
  const foundations = {
    auth: { away: () => drill.stopService('auth'), back: () => drill.startService('auth') },
    database: {
      away: () => Promise.all([drill.killPostgres('primary'), drill.killPostgres('replica')]),
      back: () => drill.startPostgres(),
    },
    Kafka: { away: () => drill.killKafka(), back: () => drill.startKafka() },
  };
  type Foundation = keyof typeof foundations;

  it.each<[Foundation, Foundation, Foundation]>([
    ['database', 'Kafka', 'auth'],
    ['auth', 'database', 'Kafka'],
    ['Kafka', 'auth', 'database'],
  ])('is waiting, and joins when there are %s, then %s, then %s', async (...order) => {
    const checker = await Checker.open(platform, merchant, [sku]);
    const others = Object.keys(services).filter((name) => name !== 'auth');
    await Promise.all(others.map((name) => drill.stopService(name)));
    for (const name of order) await foundations[name].away();

    await Promise.all(others.map((name) => drill.startService(name)));
    for (const name of others) {
      await eventually(async () => expect((await own(name).get('/health/live')).status).toBe(200), { timeout: 60_000 });
      expect(await own(name).get('/health/ready')).toMatchObject({ status: 503, body: { status: 'starting' } });
    }
    const { auth: _, ...started } = await drill.services();
    for (const name of order) await foundations[name].back();
    await drill.ready();

    const buyer = await Shopper.register(gateway);
    const { body } = await buyer.checkout({ [sku]: 1 });
    expect(await checker.check([{ buyer, sku, quantity: 1, orderId: body.orderId }])).toEqual([]);
    expect(await drill.services()).toMatchObject(started);
  });

  const own = (name: string) => Shopper.anonymous(services[name]!.url);
});
