import { randomUUID } from 'node:crypto';
import { platform } from './platform.js';
import { Shopper } from './shop.js';

const { gateway } = platform();
const anonymous = Shopper.anonymous(gateway);

async function signUp(): Promise<string> {
  const credentials = { email: `buyer-${randomUUID()}@example.test`, password: `pw-${randomUUID()}` };
  await anonymous.post('/auth/accounts', credentials);
  return (await anonymous.post<{ accessToken: string }>('/auth/sessions', credentials)).body.accessToken;
}

it('a buyer follows an order through the gateway from its checkout to its end: entry by entry, as it happens', async () => {
  const token = await signUp();
  const shopper = anonymous.with(token);
  const { orderId } = (await shopper.checkout({ 'sku-001': 1 }, 'tok_slow')).body;
  const response = await fetch(`${gateway}/orders/${orderId}/stream`, { headers: { authorization: `Bearer ${token}` } });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);

  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let endedWhenSent: boolean | undefined;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += read.value;
    // The processor takes seconds to answer: what comes before must not wait in a buffer until then.
    if (text.includes('"authorise payment","outcome":"sent"')) endedWhenSent ??= text.includes('event: status');
  }
  const events = text.split('\n\n').filter((block) => block.includes('event:'));
  const parse = (block: string) => JSON.parse(/^data: (.*)$/m.exec(block)![1]!) as object;
  const { body } = await shopper.get<{ history: object[] }>(`/orders/${orderId}`);
  expect(endedWhenSent).toBe(false);
  expect(events.slice(0, -1).map(parse)).toEqual(body.history);
  expect(parse(events.at(-1)!)).toEqual({ status: 'CONFIRMED' });
});
