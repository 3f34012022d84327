import { randomBytes } from 'node:crypto';
import { eventually, isRunning, killProcess } from '@ballast/testing';
import { Alone } from './alone.js';
import { onHand } from './books.js';
import { settlement } from './checker.js';
import { platformAt, type Platform, spans } from './platform.js';
import { Shopper } from './shop.js';
import { checkoutTrace, CONSUMER, PRODUCER } from './traces.js';

describe('npm start with Node alone', () => {
  let alone: Alone;
  const services = ['auth', 'cart', 'inventory', 'order', 'payment', 'psp'];
  let platform: Platform;
  let merchant: Shopper;

  beforeAll(async () => {
    alone = new Alone();
    await alone.up();
    platform = platformAt(alone.home);
    merchant = await Shopper.signIn(platform.gateway, platform.credentials.merchant);
  });
  afterAll(async () => {
    await alone.stop();
    alone.drop();
  });

  it('buys, in one process without Kafka, and says what is different', () => {
    const run = alone.run();
    expect(alone.output).toMatch(/ {2}CONFIRMED after \d+ ms\n/);
    expect(alone.output).toContain('none (KAFKA_BROKERS is not set, Docker does not answer, Java is not installed)');
    expect(alone.output).toContain('all services share one process');
    expect(run.kafka).toEqual({ kind: 'memory', brokers: [] });
    expect(Object.keys(run.services).sort()).toEqual(services);
    expect(new Set(Object.values(run.services).map(({ pid }) => pid)).size).toBe(1);
  });

  it('a checkout is one trace, each span its service’s', async () => {
    const traceId = randomBytes(16).toString('hex');
    const own = randomBytes(8).toString('hex');
    const buyer = await Shopper.register(platform.gateway);
    const { body } = await buyer.checkout({ 'sku-006': 1 }, 'tok_ok', undefined, { traceparent: `00-${traceId}-${own}-01` });
    expect((await buyer.final(body.orderId)).status).toBe('CONFIRMED');
    const trace = await checkoutTrace(traceId, own);

    expect([...new Set(trace.map(({ service }) => service))].sort()).toEqual(['cart', 'inventory', 'order', 'payment', 'psp']);
    // Who reads a topic is whose span it is, and a topic is written to by its own service, or by who commands it.
    const readers = trace.filter(({ kind }) => kind === CONSUMER).map(({ service, name }) => `${service}: ${topicIn(name)}`);
    expect([...new Set(readers)].sort()).toEqual([
      'cart: order.events',
      'inventory: inventory.commands',
      'order: cart.events',
      'order: order.replies',
      'payment: payment.commands',
    ]);
    const senders = trace.filter(({ kind }) => kind === PRODUCER).map(({ service, name }) => `${service}: ${topicIn(name)}`);
    expect([...new Set(senders)].sort()).toEqual([
      'cart: cart.events',
      'inventory: order.replies',
      'order: inventory.commands',
      'order: order.events',
      'order: payment.commands',
      'payment: order.replies',
    ]);
    expect((await spans()).filter(({ service }) => service === 'services')).toEqual([]);
  });

  it('the metrics of a service are its own', async () => {
    const of = async (service: string) => (await fetch(`${platform.services[service]!.url}/metrics`)).text();
    const texts = new Map(await Promise.all(services.map(async (service) => [service, await of(service)] as const)));
    const showing = (what: RegExp) => services.filter((service) => what.test(texts.get(service)!));
    for (const service of ['cart', 'inventory', 'order', 'payment'])
      expect(showing(new RegExp(`^ballast_relay_published_total\\{topic="${service}\\.events"\\} [1-9]`, 'm'))).toEqual(
        service === 'payment' ? [] : [service],
      );
    expect(showing(/policy="argon2"/)).toEqual(['auth']);
    expect(showing(/policy="psp"/)).toEqual(['payment']);
    expect(showing(/^ballast_sagas\{/m)).toEqual(['order']);
    expect(showing(/route="\/cart\/checkout"/)).toEqual(['cart']);
    expect(showing(/process_resident_memory_bytes/)).toEqual(services);
  });

  it('kill -9 of the one process while orders are on their way loses nothing', async () => {
    const sku = 'sku-alone';
    await merchant.put(`/products/${sku}`, { name: 'Alone', price: { amount: 250, currency: 'EUR' }, stock: 100 });
    const buyers = await Promise.all(Array.from({ length: 8 }, () => Shopper.register(platform.gateway)));
    await buyers[0]!.knows(sku);
    const tokens = ['tok_ok', 'tok_unknown', 'tok_flaky', 'tok_slow'];
    const accepted = await Promise.all(buyers.map((buyer, i) => buyer.checkout({ [sku]: 1 }, tokens[i % tokens.length])));
    expect(accepted.map(({ status }) => status)).toEqual(Array(buyers.length).fill(202));

    const { pid } = alone.run().services['order']!;
    killProcess(pid);
    await eventually(() => expect(isRunning(pid)).toBe(false));

    const orders = await Promise.all(buyers.map((buyer, i) => buyer.final(accepted[i]!.body.orderId, 120_000)));
    expect(orders.map(({ status }) => status)).toEqual(Array(buyers.length).fill('CONFIRMED'));
    expect(alone.run().services['order']!.pid).not.toBe(pid);
    expect(alone.output).toMatch(/^services ended \(SIGKILL\), started again/m);
    expect(await onHand(merchant, sku)).toBe(100 - buyers.length);
    const captures = (await settlement(platform)).filter(({ kind, amount }) => kind === 'capture' && amount.amount === 250);
    expect(captures).toHaveLength(buyers.length);
    expect((await merchant.get('/payments/ledger')).body).toMatchObject({ balanced: true });
  });
});

const topicIn = (name: string): string => /[a-z]+\.(events|commands|replies)/.exec(name)?.[0] ?? name;
