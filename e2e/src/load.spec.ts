import { setTimeout as sleep } from 'node:timers/promises';
import { Answers, OpenLoop } from './load.js';
import type { Answer } from './shop.js';

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

describe('answers', () => {
  const answer = (status: number, headers: Record<string, string> = {}, body: object = {}): Answer => ({
    status,
    headers: new Headers(headers),
    body: body as Record<string, unknown>,
  });
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
