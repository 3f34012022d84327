import { randomUUID } from 'node:crypto';
import { Agent, get, type IncomingMessage } from 'node:http';
import { memoryOf } from '@ballast/cluster';
import { inTurns } from './in-turns.js';
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

it('500 buyers who follow orders at one service take no more than 100 MB of it, and all are told the end', async () => {
  const CLIENTS = 500;
  const { order, payment } = platform().services;
  const token = await signUp();
  const memory = () => memoryOf(order!.pid) ?? 0;
  const before = memory();
  let answers: IncomingMessage[];
  let among: number;
  // The order waits for its payment until all of them listen.
  process.kill(payment!.pid, 'SIGSTOP');
  try {
    const { orderId } = (await anonymous.with(token).checkout({ 'sku-001': 1 })).body;
    const agent = new Agent({ maxSockets: CLIENTS });
    answers = await inTurns(50, Array.from({ length: CLIENTS }), () => follow(`${order!.url}/orders/${orderId}/stream`, token, agent));
    among = memory();
  } finally {
    process.kill(payment!.pid, 'SIGCONT');
  }
  expect(new Set(answers.map(({ statusCode, complete }) => `${statusCode} ${complete}`))).toEqual(new Set(['200 false']));
  expect(among - before).toBeLessThan(100 * 1024 * 1024);

  const texts = await Promise.all(answers.map((answer) => answer.setEncoding('utf8').toArray()));
  for (const text of texts) expect(text.join('')).toMatch(/event: status\ndata: \{"status":"CONFIRMED"\}\n\n$/);
});

const follow = (url: string, token: string, agent: Agent): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(url, { agent, headers: { authorization: `Bearer ${token}` } }, resolve).on('error', reject);
  });
