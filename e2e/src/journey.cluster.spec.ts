import { randomBytes } from 'node:crypto';
import { eventually } from '@ballast/testing';
import { Shopper } from './shop.js';

const {
  GATEWAY_URL: gateway = 'http://127.0.0.1:8080',
  GATEWAY_2_URL: secondGateway = 'http://127.0.0.1:8081',
  JAEGER_URL: jaeger = 'http://127.0.0.1:16686',
} = process.env;
/** What is right may take a while: twenty containers share the machine. */
const patience = { timeout: 120_000, interval: 1_000 };

/** As Jaeger's query API gives it. */
interface JaegerTrace {
  processes: Record<string, { serviceName: string }>;
  spans: {
    spanID: string;
    processID: string;
    operationName: string;
    references: { refType: string; spanID: string }[];
    tags: { key: string; value: unknown }[];
  }[];
}

it.each([
  ['tok_ok', 'CONFIRMED'],
  ['tok_declined', 'REJECTED'],
])('a checkout with %s, by way of both gateways, ends %s', async (token, status) => {
  const buyer = await Shopper.register(gateway);
  const { body } = await buyer.checkout({ 'sku-004': 1 }, token);
  const elsewhere = buyer.at(secondGateway);
  await eventually(async () => expect((await elsewhere.get(`/orders/${body.orderId}`)).body).toMatchObject({ status }), patience);
});

it('is one trace in Jaeger, through every service and both sides of Kafka, without an orphan', async () => {
  const [traceId, own] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  const buyer = await Shopper.register(gateway);
  await buyer.checkout({ 'sku-005': 1 }, 'tok_ok', undefined, { traceparent: `00-${traceId}-${own}-01` });

  await eventually(async () => {
    const { processes, spans } = await traceOf(traceId);
    const of = (kind: string, service: string, topic: string) =>
      spans.some(
        ({ processID, operationName, tags }) =>
          processes[processID]!.serviceName === service &&
          operationName.includes(topic) &&
          tags.some(({ key, value }) => key === 'span.kind' && value === kind),
      );
    expect(new Set(Object.values(processes).map(({ serviceName }) => serviceName))).toEqual(
      new Set(['cart', 'inventory', 'order', 'payment', 'psp']),
    );
    for (const [sender, topic, receiver] of [
      ['cart', 'cart.events', 'order'],
      ['order', 'inventory.commands', 'inventory'],
      ['order', 'payment.commands', 'payment'],
      ['payment', 'order.replies', 'order'],
      ['order', 'order.events', 'cart'],
    ] as const) {
      expect([sender, topic, of('producer', sender, topic)]).toEqual([sender, topic, true]);
      expect([receiver, topic, of('consumer', receiver, topic)]).toEqual([receiver, topic, true]);
    }
    const known = new Set([own, ...spans.map(({ spanID }) => spanID)]);
    const orphans = spans.filter(({ references }) =>
      references.some(({ refType, spanID }) => refType === 'CHILD_OF' && !known.has(spanID)),
    );
    expect(orphans.map(({ operationName }) => operationName)).toEqual([]);
  }, patience);
});

async function traceOf(traceId: string): Promise<JaegerTrace> {
  const response = await fetch(`${jaeger}/api/traces/${traceId}`);
  expect(response.status).toBe(200);
  return ((await response.json()) as { data: [JaegerTrace] }).data[0];
}
