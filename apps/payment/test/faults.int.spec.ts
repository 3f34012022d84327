import { Database } from '@ballast/database';
import { eventually, type FaultProxy, faultProxy } from '@ballast/testing';
import { EUR, failed, Harness, succeeded } from './harness.js';

let h: Harness;
let proxy: FaultProxy;
beforeAll(async () => {
  h = await Harness.start({
    pspUrl: async (psp) => {
      proxy = await faultProxy({ host: '127.0.0.1', port: psp.port });
      return `http://127.0.0.1:${proxy.port}`;
    },
  });
}, 60_000);
afterAll(async () => {
  await h?.stop();
  await proxy?.close();
});
afterEach(() => proxy.heal());

const working = async (key: string) => expect(await h.psp.ask(key)).toMatchObject({ state: 'processing' });
const triedTwice = (kind: string) =>
  eventually(async () => {
    const rows = await h.payment.app
      .get(Database)
      .primary.query(`SELECT 1 FROM intent WHERE kind = $1 AND state <> 'DONE' AND attempts >= 2`, [kind]);
    expect(rows).not.toHaveLength(0);
  });

it('the connection breaks while the processor captures: asked again until it knows, captured once', async () => {
  const order = h.order('tok_slow');
  await order.authorise();
  const { paymentId } = await order.payment();
  const capture = await order.sendCapture();
  await eventually(() => working(`${paymentId}:capture`));
  proxy.cut();
  expect(await h.reply(capture)).toEqual(succeeded());
  expect(await order.books()).toEqual(['authorisation', 'capture']);
});

it('the network swallows everything: the payment waits, nothing is guessed, and the money is taken once', async () => {
  const order = h.order('tok_ok');
  await order.authorise();
  proxy.stall();
  const capture = await order.sendCapture();
  await triedTwice('payment.capture');
  expect(h.repliesTo(capture)).toEqual([]);
  expect(await order.payment()).toMatchObject({ status: 'CAPTURING', captured: EUR(0) });
  proxy.heal();
  expect(await h.reply(capture)).toEqual(succeeded());
  expect(await order.books()).toEqual(['authorisation', 'capture']);
});

it('the processor is away: authorisations wait for it, voids too, and neither is answered on a guess', async () => {
  await h.psp.kill();
  const [kept, given] = [h.order('tok_ok'), h.order('tok_ok')];
  const authorise = await kept.sendAuthorise();
  await given.sendAuthorise();
  const voided = await given.sendVoid();
  await triedTwice('payment.authorise');
  await triedTwice('payment.void');
  expect([...h.repliesTo(authorise), ...h.repliesTo(voided)]).toEqual([]);
  await h.psp.start();
  expect(await h.reply(authorise)).toMatchObject({ outcome: 'succeeded' });
  expect(await h.reply(voided)).toEqual(succeeded());
  expect(await kept.books()).toEqual(['authorisation']);
  expect(await given.books()).toEqual(['cancellation']);
  expect(await given.authorise()).toEqual(failed('PAYMENT_VOIDED'));
});

it('ten slow payments do not hold up a fast one, nor its capture', async () => {
  const slow = Array.from({ length: 10 }, () => h.order('tok_slow'));
  const fast = h.order('tok_ok');
  const first = h.replies.length;
  const authorisations = [...(await Promise.all(slow.map((order) => order.sendAuthorise()))), await fast.sendAuthorise()];
  await Promise.all(authorisations.map((id) => h.reply(id)));
  const captures = [...(await Promise.all(slow.map((order) => order.sendCapture()))), await fast.sendCapture()];
  await Promise.all(captures.map((id) => h.reply(id)));
  const order = h.replies.slice(first).map(({ commandId }) => commandId);
  expect(order.indexOf(authorisations.at(-1)!)).toBe(0);
  expect(order.indexOf(captures.at(-1)!)).toBe(11);
  for (const each of slow) expect(await each.books()).toEqual(['authorisation', 'capture']);
});
