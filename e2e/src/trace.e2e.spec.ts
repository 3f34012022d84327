import { randomBytes } from 'node:crypto';
import { platform } from './platform.js';
import { Shopper } from './shop.js';
import { checkoutTrace, CONSUMER, SERVER } from './traces.js';

const { gateway } = platform();

describe('one trace', () => {
  it('leads from POST /cart/checkout through every outbox and service to the confirmed order', async () => {
    const traceId = randomBytes(16).toString('hex');
    const own = randomBytes(8).toString('hex');
    const buyer = await Shopper.register(gateway);
    const { body, headers } = await buyer.checkout({ 'sku-006': 1 }, 'tok_ok', undefined, {
      traceparent: `00-${traceId}-${own}-01`,
    });
    expect(headers.get('traceparent')).toContain(traceId);
    expect((await buyer.final(body.orderId)).status).toBe('CONFIRMED');

    const trace = await checkoutTrace(traceId, own);
    expect([...new Set(trace.map((s) => s.service))].sort()).toEqual(
      expect.arrayContaining(['cart', 'inventory', 'order', 'payment', 'psp']),
    );
    const answered = trace.filter((s) => s.kind === SERVER).map((s) => `${s.service}: ${s.name}`);
    expect(answered).toEqual(expect.arrayContaining(['cart: POST /cart/checkout', 'psp: POST /v1/authorisations']));
    const consumed = (service: string, topic: string) =>
      trace.some((s) => s.kind === CONSUMER && s.service === service && s.name.includes(topic));
    expect(consumed('order', 'cart.events')).toBe(true);
    expect(consumed('inventory', 'inventory.commands')).toBe(true);
    expect(consumed('payment', 'payment.commands')).toBe(true);
    expect(consumed('order', 'order.replies')).toBe(true);
    expect(trace.filter((s) => s.name.includes('saga checkout.v1'))).not.toHaveLength(0);
  });
});
