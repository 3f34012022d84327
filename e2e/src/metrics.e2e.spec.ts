import { eventually } from '@ballast/testing';
import { platform } from './platform.js';
import { Shopper } from './shop.js';

const { gateway, services, credentials } = platform();

/** One service's metrics at a moment: the value of each series, by its name with its labels in order of their names. */
type Scrape = Map<string, number>;

async function scrape(service: string): Promise<Scrape> {
  const response = await fetch(`${services[service]!.url}/metrics`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
  const lines = (await response.text()).split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)!;
      const sorted = labels.match(/\w+="[^"]*"/g)?.sort() ?? [];
      return [`${name}${sorted.length ? `{${sorted.join()}}` : ''}`, Number(value)];
    }),
  );
}

const sum = (scraped: Scrape, series: RegExp): number =>
  [...scraped].reduce((total, [name, value]) => total + (series.test(name) ? value : 0), 0);

/** Of every service: by its name, with all its labels. A histogram is told by its count. */
const everywhere: Record<string, RegExp> = {
  requests: /^ballast_http_request_duration_seconds_count\{method="\w+",route="\/[^"]+",status="\d+"\}$/,
  'outbox pending': /^ballast_outbox_pending$/,
  'outbox oldest age': /^ballast_outbox_oldest_seconds$/,
  'relay published': /^ballast_relay_published_total\{topic="[a-z]+\.(events|commands|replies)"\}$/,
  'consumer lag': /^ballast_consumer_lag\{partition="\d+",topic="[a-z]+\.(events|commands|replies)"\}$/,
  'messages handled': /^ballast_consumer_messages_total\{outcome="handled",type="[\w.-]+"\}$/,
  'inbox duplicates': /^ballast_inbox_duplicates_total$/,
  'dead letters': /^ballast_dead_letters_total\{reason="HANDLER_FAILED",topic="[a-z]+\.(events|commands|replies)"\}$/,
  'open dead letters': /^ballast_dead_letters_open$/,
  'pool use': /^ballast_db_pool\{pool="\w+",state="(busy|idle|waiting)"\}$/,
  'database available': /^ballast_db_available$/,
  'event-loop lag': /^nodejs_eventloop_lag_seconds$/,
};
const ofOrder: Record<string, RegExp> = {
  'sagas by state': /^ballast_sagas\{definition="checkout\.v1",state="(RUNNING|COMPENSATING|STUCK)"\}$/,
  'saga duration': /^ballast_saga_duration_seconds_count\{definition="checkout\.v1",outcome="(COMPLETED|COMPENSATED)"\}$/,
  'checkout duration': /^ballast_checkout_duration_seconds_bucket\{le="10",outcome="(CONFIRMED|REJECTED)"\}$/,
};
const names = ['order', 'payment', 'inventory', 'cart'];

describe('/metrics, after one order that was confirmed and one that was rejected', () => {
  const before = new Map<string, Scrape>();
  const after = new Map<string, Scrape>();
  const grown = (service: string, series: RegExp) => sum(after.get(service)!, series) - sum(before.get(service)!, series);

  beforeAll(async () => {
    for (const name of names) before.set(name, await scrape(name));
    const buyer = await Shopper.register(gateway);
    const confirmed = await buyer.buy({ 'sku-004': 1 });
    await buyer.cartOpens();
    const rejected = await buyer.buy({ 'sku-004': 1 }, 'tok_declined');
    await buyer.cartOpens();
    expect([confirmed.status, rejected.status]).toEqual(['CONFIRMED', 'REJECTED']);
    const merchant = await Shopper.signIn(gateway, credentials.merchant);
    expect((await merchant.get(`/payments?orderId=${confirmed.orderId}`)).status).toBe(200);
    expect((await buyer.get('/products/sku-004')).status).toBe(200);
    // A counter of what is committed may move a moment later than what others see of it; the gauges of tables, 5 s at most.
    await eventually(async () => {
      for (const name of names) after.set(name, await scrape(name));
      for (const name of names) expect([name, after.get(name)!.get('ballast_outbox_pending')]).toEqual([name, 0]);
      expect(sum(after.get('order')!, /^ballast_sagas\{/)).toBe(0);
      expect(grown('order', /^ballast_saga_duration_seconds_count/)).toBeGreaterThanOrEqual(2);
    });
  });

  it.each(names)('%s shows everything an operator needs', (name) => {
    const series = [...after.get(name)!.keys()];
    const wanted = { ...everywhere, ...(name === 'order' && ofOrder) };
    expect(Object.keys(wanted).filter((what) => !series.some((one) => wanted[what]!.test(one)))).toEqual([]);
  });

  it('counts what happened, each where it happened', () => {
    expect(grown('cart', /^ballast_checkouts_accepted_total$/)).toBe(2);
    for (const outcome of ['CONFIRMED', 'REJECTED'])
      expect(grown('order', new RegExp(`^ballast_checkout_duration_seconds_count\\{outcome="${outcome}"`))).toBeGreaterThanOrEqual(1);
    expect(grown('order', /^ballast_saga_duration_seconds_count\{.*outcome="COMPLETED"/)).toBeGreaterThanOrEqual(1);
    expect(grown('order', /^ballast_saga_duration_seconds_count\{.*outcome="COMPENSATED"/)).toBeGreaterThanOrEqual(1);
    expect(grown('order', /^ballast_relay_published_total\{topic="order\.events"\}/)).toBeGreaterThanOrEqual(2);
    expect(grown('order', /^ballast_relay_published_total\{topic="payment\.commands"\}/)).toBeGreaterThanOrEqual(3);
    expect(grown('cart', /^ballast_relay_published_total\{topic="cart\.events"\}/)).toBeGreaterThanOrEqual(2);
    expect(grown('inventory', /^ballast_consumer_messages_total\{outcome="handled",type="inventory\./)).toBeGreaterThanOrEqual(4);
    expect(grown('payment', /^ballast_consumer_messages_total\{outcome="handled",type="payment\./)).toBeGreaterThanOrEqual(3);
    expect(grown('cart', /^ballast_http_request_duration_seconds_count\{method="POST",route="\/cart\/checkout",status="202"\}/)).toBe(2);
    expect(grown('payment', /^ballast_policy_events_total\{event="success",policy="psp/)).toBeGreaterThanOrEqual(2);
  });

  it('says that nothing went wrong', () => {
    for (const name of names) {
      expect([name, grown(name, /^ballast_dead_letters_total/), after.get(name)!.get('ballast_dead_letters_open')]).toEqual([name, 0, 0]);
      expect([name, after.get(name)!.get('nodejs_eventloop_lag_seconds')]).toEqual([name, expect.any(Number)]);
    }
  });
});
