import { eventually } from '@ballast/testing';
import { randomBytes } from 'node:crypto';
import { LogSearch } from './log-search.js';
import { Shopper } from './shop.js';

const { GATEWAY_URL: gateway = 'http://127.0.0.1:8080', LOGS_URL = 'http://127.0.0.1:9428' } = process.env;
const logs = new LogSearch(LOGS_URL);

it('one query by its trace id finds what every service wrote of a checkout, and one by its order id', async () => {
  const traceId = randomBytes(16).toString('hex');
  const buyer = await Shopper.register(gateway);
  const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`;
  const { body } = await buyer.checkout({ 'sku-006': 1 }, 'tok_ok', undefined, { traceparent });
  expect((await buyer.final(body.orderId)).status).toBe('CONFIRMED');

  await eventually(
    async () => {
      const lines = await logs.find(`"${traceId}" | unpack_json`);
      expect(lines.every(({ trace_id: id }) => id === traceId)).toBe(true);
      expect(new Set(lines.map(({ service }) => service))).toEqual(new Set(['cart', 'inventory', 'order', 'payment', 'psp']));
      // The last thing that happens: the cart closes on order.confirmed.
      expect(lines).toContainEqual(expect.objectContaining({ service: 'cart', type: 'order.confirmed.v1', outcome: 'handled' }));
    },
    { timeout: 60_000, interval: 500 },
  );
  const byOrder = await logs.find(`"${body.orderId}" | unpack_json`);
  expect(byOrder.map(({ service }) => service)).toEqual(expect.arrayContaining(['inventory', 'order', 'payment']));
});
