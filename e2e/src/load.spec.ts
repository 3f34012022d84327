import { setTimeout as sleep } from 'node:timers/promises';
import { Answers, CheckoutLoad, OpenLoop } from './load.js';
import type { Answer, Shopper } from './shop.js';

const answer = (status: number, headers: Record<string, string> = {}, body: object = {}): Answer => ({
  status,
  headers: new Headers(headers),
  body: body as Record<string, unknown>,
});

describe('an open loop', () => {
  it('begins at its rate although nothing ends, up to its limit', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const loop = new OpenLoop({ rate: 200, limit: 10 }, () => gate);
    while (loop.leftOut === 0) await sleep(10);
    expect(loop.begun).toBe(10);
    release();
    await loop.stop();
    const { begun } = loop;
    await sleep(50);
    expect(loop.begun).toBe(begun);
  });

  it('makes up for a late timer', async () => {
    const loop = new OpenLoop({ rate: 100 }, () => Promise.resolve());
    const until = performance.now() + 300;
    while (performance.now() < until); // the event loop hangs
    await sleep(40);
    expect(loop.begun).toBeGreaterThanOrEqual(30);
    await loop.stop();
  });
});

describe('buyers who take turns', () => {
  /** Whose carts stay closed after the first checkout, as while no order ends: so for `stuck` of them, from the first on. */
  function shop(count: number, stuck = count) {
    const bought: number[] = [];
    const buyers = Array.from({ length: count }, (_, n) => ({
      put: async () => answer(n < stuck && bought.includes(n) ? 409 : 200),
      checkout: async () => (bought.push(n), answer(202, {}, { orderId: `order-${bought.length}` })),
    }));
    return { buyers: buyers as unknown as Shopper[], bought };
  }
  async function turns(buyers: readonly Shopper[], until: (load: CheckoutLoad) => boolean): Promise<CheckoutLoad> {
    const load = new CheckoutLoad(buyers, { rate: 200, sku: 'sku-1' });
    while (!until(load)) await sleep(5);
    await load.stop();
    return load;
  }

  it('a turn goes to the next when the last order is still on its way', async () => {
    const { buyers } = shop(30, 3);
    const load = await turns(buyers, ({ accepted }) => accepted.length >= 60);
    expect(load.answers.counts['PUT /cart/items 409']).toBeGreaterThan(0);
    expect(load.unserved).toEqual([]);
  });

  it('a turn that finds nobody is counted, and asks only some', async () => {
    const { buyers, bought } = shop(20);
    const load = await turns(buyers, ({ unserved }) => unserved.length >= 10);
    expect(bought).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(load.answers.counts['PUT /cart/items 409']).toBeLessThanOrEqual(load.unserved.length * 5);
  });

  it('nobody is asked while he is at work', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const { buyers } = shop(2, 0);
    const put = jest.fn(() => gate.then(() => answer(200)));
    const slow = buyers.map((buyer) => ({ ...buyer, put })) as unknown as Shopper[];
    const load = new CheckoutLoad(slow, { rate: 200, sku: 'sku-1' });
    while (load.unserved.length < 3) await sleep(5);
    expect(put).toHaveBeenCalledTimes(2);
    release();
    await load.stop();
  });
});

describe('answers', () => {
  const polite = { 'content-type': 'application/problem+json; charset=utf-8', 'retry-after': '1' };

  it.each([
    ['a 500', answer(500, polite, { code: 'INTERNAL' })],
    ['a 503 of a stranger', answer(503, { 'retry-after': '1' })],
    ['a 503 without Retry-After', answer(503, { 'content-type': 'application/problem+json' }, { code: 'UNAVAILABLE' })],
    ['a 503 without a code', answer(503, polite)],
  ])('%s is broken', async (_, given) => {
    const answers = new Answers();
    await answers.of('GET /cart', () => Promise.resolve(given));
    expect(answers.broken).toEqual([expect.stringContaining(`GET /cart: ${given.status}`)]);
  });

  it('a reset is broken', async () => {
    const answers = new Answers();
    await answers.of('GET /cart', () => Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } })));
    expect([answers.broken, answers.counts]).toEqual([['GET /cart: ECONNRESET'], { 'GET /cart no answer': 1 }]);
  });

  it('what the contract knows is counted', async () => {
    const answers = new Answers();
    for (const status of [200, 200, 409]) await answers.of('GET /cart', () => Promise.resolve(answer(status)));
    await answers.of('GET /cart', () => Promise.resolve(answer(503, polite, { code: 'UNAVAILABLE' })));
    expect([answers.counts, answers.broken, answers.total('GET')]).toEqual([
      { 'GET /cart 200': 2, 'GET /cart 409': 1, 'GET /cart 503': 1 },
      [],
      4,
    ]);
  });
});
