import { randomUUID } from 'node:crypto';
import { authorisePayment, capturePayment, commitStock, reserveStock } from '@ballast/contracts';
import { Sagas } from '@ballast/saga';
import { eventually } from '@ballast/testing';
import { v7 } from 'uuid';
import { OrderProgress } from '../src/order.progress.js';
import { Listener } from './listener.js';
import { fails, Shop, type Purchase } from './shop.js';

let shop: Shop;
/** Tests that mostly wait begin together: each runs in one of these. */
let waits: Record<'unknown' | 'foreign' | 'quiet' | 'expiring', Promise<Listener>> & { started: number };

const listen = async (order: { id: string; accountId: string }, lastEventId?: string, expiresIn?: string) =>
  Listener.open(`${shop.service.url}/orders/${order.id}/stream`, await shop.service.token(order.accountId, [], expiresIn), lastEventId);
const ends = (listener: Listener) => eventually(() => expect(listener.ended).toBe(true), { timeout: 30_000 });
const progress = () => shop.service.app.get(OrderProgress);
const here = (order: Purchase) => eventually(async () => expect((await order.request()).status).toBe(200), { timeout: 30_000 });

beforeAll(async () => {
  shop = await Shop.open();
  const [quiet, expiring] = [await shop.checkOut(), await shop.checkOut()];
  await Promise.all([quiet, expiring].map(here));
  waits = {
    started: Date.now(),
    unknown: listen({ id: v7(), accountId: randomUUID() }),
    foreign: listen({ id: quiet.id, accountId: randomUUID() }),
    quiet: listen(quiet),
    expiring: listen(expiring, undefined, '5s'),
  };
}, 60_000);
afterAll(() => shop?.close());

describe('GET /orders/:id/stream', () => {
  it('tells each history entry as it happens, by its number, then the final status, and ends', async () => {
    const order = await shop.checkOut();
    await order.command(reserveStock);
    const listener = await listen(order);
    expect(listener.status).toBe(200);
    expect(listener.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
      'cache-control': expect.stringContaining('no-cache') as unknown,
      traceparent: expect.stringMatching(/^00-/) as unknown,
    });
    await eventually(() => expect(listener.history).toEqual(['checkout.v1 started', 'reserve stock sent']));
    await order.answer(reserveStock);
    await eventually(() => expect(listener.history.slice(2)).toEqual(['reserve stock succeeded', 'authorise payment sent']));
    expect([listener.statuses, listener.ended]).toEqual([[], false]);
    await order.goesOn(authorisePayment);
    await ends(listener);
    expect(listener.statuses).toEqual([{ status: 'CONFIRMED' }]);
    expect(listener.events.at(-1)!.event).toBe('status');
    expect(listener.history).toEqual(await order.history());
    expect(listener.ids).toEqual(listener.history.map((_, i) => String(i + 1)));
    const { body } = (await order.request()) as { body: { history: object[] } };
    expect(listener.events.slice(0, -1).map((e) => e.data)).toEqual(body.history);
    expect(listener.retry).toBeGreaterThanOrEqual(500);
  });

  it('ends with the reason of a rejection', async () => {
    const order = await shop.checkOut();
    const listener = await listen(order);
    await order.answer(reserveStock, fails('OUT_OF_STOCK'));
    await ends(listener);
    expect(listener.statuses).toEqual([{ status: 'REJECTED', reason: 'OUT_OF_STOCK' }]);
    expect(listener.history.slice(-2)).toEqual(['reserve stock failed', 'checkout.v1 compensated']);
  });

  it('goes on after Last-Event-ID, while the order is under way and after it has ended', async () => {
    const order = await shop.checkOut();
    await order.reaches(authorisePayment);
    const first = await listen(order);
    await eventually(() => expect(first.ids).toEqual(['1', '2', '3', '4']));
    first.leave();
    const second = await listen(order, '3');
    await eventually(() => expect(second.ids).toEqual(['4']));
    await order.goesOn(authorisePayment);
    await ends(second);
    const last = (await order.history()).length;
    expect(second.ids).toEqual(Array.from({ length: last - 3 }, (_, i) => String(i + 4)));

    const [missed, nothingMissed, nonsense] = await Promise.all([listen(order, '4'), listen(order, String(last)), listen(order, 'abc')]);
    await Promise.all([missed, nothingMissed, nonsense].map(ends));
    expect(missed.ids).toEqual(Array.from({ length: last - 4 }, (_, i) => String(i + 5)));
    expect([nothingMissed.ids, nonsense.ids.length]).toEqual([[], last]);
    for (const listener of [missed, nothingMissed, nonsense]) expect(listener.statuses).toEqual([{ status: 'CONFIRMED' }]);
  });

  it('tells of a stuck saga and stays open until the order ends', async () => {
    const order = await shop.checkOut();
    const command = await order.reaches(commitStock);
    const listener = await listen(order);
    const sagas = shop.service.app.get(Sagas, { strict: false });
    // Its tries are used up: the next failure leaves it stuck.
    await shop.database.primary.query('UPDATE saga SET attempts = 8 WHERE id = $1', [order.id]);
    await shop.reply(command, fails('NOT_RESERVED'));
    await eventually(() => expect(listener.statuses).toEqual([{ status: 'PENDING', reason: 'STUCK' }]));
    expect(listener.ended).toBe(false);
    const late = await listen(order, '99');
    await eventually(() => expect(late.statuses).toEqual([{ status: 'PENDING', reason: 'STUCK' }]));

    await shop.database.transaction((tx) => sagas.resume(tx, order.id));
    await order.command(commitStock, 2);
    await order.answer(commitStock);
    await Promise.all([ends(listener), ends(late)]);
    expect(listener.statuses).toEqual([{ status: 'PENDING', reason: 'STUCK' }, { status: 'CONFIRMED' }]);
    expect(listener.history).toEqual(await order.history());
  });

  it('begins before the order is here, and before it is known whose it will be', async () => {
    const [orderId, accountId] = [v7(), randomUUID()];
    const opening = listen({ id: orderId.toUpperCase(), accountId });
    await eventually(() => expect(progress().follows(orderId)).toBe(true));
    const order = await shop.checkOut({ orderId, accountId });
    const listener = await opening;
    expect(listener.status).toBe(200);
    await order.goesOn(reserveStock);
    await ends(listener);
    expect(listener.history).toEqual(await order.history());
  });

  it('of an old id that is not known is 404 at once; of no id 400; without a token 401', async () => {
    const old = await listen({ id: v7({ msecs: Date.now() - 600_000 }), accountId: randomUUID() });
    expect([old.status, (await old.problem()).code]).toEqual([404, 'ORDER_NOT_FOUND']);
    expect(old.answeredAfter).toBeLessThan(10_000);
    const token = await shop.service.token();
    expect(await shop.service.request('/orders/x/stream', { token })).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
    expect((await shop.service.request(`/orders/${v7()}/stream`)).status).toBe(401);
  });

  it('answers HEAD with the headers alone', async () => {
    const order = await shop.checkOut();
    await here(order);
    const answer = await shop.service.request(`/orders/${order.id}/stream`, {
      method: 'HEAD',
      token: await shop.service.token(order.accountId),
    });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    await eventually(() => expect(progress().follows(order.id)).toBe(false));
  });
});

describe('all streams together', () => {
  it('cost one query per look, and none when nobody listens', async () => {
    const looks = jest.spyOn(shop.service.app.get(Sagas, { strict: false }), 'news');
    const orders = await Promise.all(Array.from({ length: 30 }, () => shop.checkOut()));
    await Promise.all(orders.map(here));
    const listeners = await Promise.all(orders.flatMap((order) => [listen(order), listen(order)]));
    await eventually(() => {
      for (const { ids } of listeners) expect(ids).toHaveLength(2);
    });
    const before = looks.mock.calls.length;
    const asked = looks.mock.calls.at(-1)![1];
    expect(asked.size).toBeGreaterThanOrEqual(30);
    await eventually(() => expect(looks.mock.calls.length).toBeGreaterThan(before + 2));
    for (const [, since] of looks.mock.calls.slice(before)) expect(since.size).toBeGreaterThanOrEqual(30);
    for (const listener of listeners) listener.leave();
    await eventually(() => expect(orders.filter(({ id }) => progress().follows(id))).toEqual([]));
    looks.mockRestore();
  });

  it('leave nothing behind when clients come and go', async () => {
    const order = await shop.checkOut();
    await here(order);
    for (let round = 0; round < 10; round++) {
      const listeners = await Promise.all(Array.from({ length: 30 }, () => listen(order)));
      for (const listener of listeners) listener.leave();
    }
    await eventually(() => expect(progress().follows(order.id)).toBe(false));
    // The quiet one, and perhaps the one whose token expires.
    await eventually(async () => {
      const metrics = (await shop.service.request('/metrics')).body as string;
      expect(Number(/^ballast_event_streams (\d+)$/m.exec(metrics)?.[1])).toBeLessThanOrEqual(2);
    });
  });

  it('are no slow requests', async () => {
    const metrics = (await shop.service.request('/metrics')).body as string;
    expect(metrics).toContain('ballast_http_request_duration_seconds_count{method="GET",route="/orders/:id"');
    expect(metrics).not.toMatch(/ballast_http_request_duration_seconds.*stream/);
  });
});

describe('those that wait', () => {
  it.each(['unknown', 'foreign'] as const)('for an order that is %s: 20 s without a header, then 404', async (which) => {
    const listener = await waits[which];
    expect([listener.status, (await listener.problem()).code]).toEqual([404, 'ORDER_NOT_FOUND']);
    expect(listener.answeredAfter).toBeGreaterThan(19_500);
  });

  it('with an access token that has expired are ended, without a status, so that their client comes again with a new one', async () => {
    const listener = await waits.expiring;
    expect(listener.status).toBe(200);
    await ends(listener);
    expect([listener.ids, listener.statuses]).toEqual([['1', '2'], []]);
  });

  it('for long outlive every time-out of the platform, kept alive by comments', async () => {
    const listener = await waits.quiet;
    await eventually(() => expect(listener.comments).toBeGreaterThanOrEqual(3), { timeout: 60_000 });
    expect(Date.now() - waits.started).toBeGreaterThan(40_000);
    expect(listener.ended).toBe(false);
  }, 80_000);
});

it('when the service stops they end at once, clients that wait are sent elsewhere, and the next service goes on where they were', async () => {
  const order = await shop.checkOut();
  await order.reaches(capturePayment);
  const listener = await listen(order);
  await eventually(() => expect(listener.ids).toHaveLength(6));
  const unknown = v7();
  const waiting = listen({ id: unknown, accountId: randomUUID() });
  await eventually(() => expect(progress().follows(unknown)).toBe(true));
  const [refused] = await Promise.all([waiting, shop.service.close()]);
  expect(listener.ended).toBe(true);
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);

  await shop.start();
  const again = await listen(order, listener.ids.at(-1));
  await order.goesOn(capturePayment);
  await ends(again);
  expect([...listener.history, ...again.history]).toEqual(await order.history());
});
