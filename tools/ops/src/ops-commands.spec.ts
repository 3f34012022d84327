import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { opsCommands } from './ops-commands.js';
import { parseOptions } from './options.js';
import { OpsPlatform } from './platform.js';

/** The page that was asked for, as `PATH?QUERY`. */
const asked: string[] = [];
let server: Server;
let url: string;

/** Auth and two services in one: `cart` has 250 entries, `order` has three, which are newer. */
beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://here');
    if (pathname === '/auth/sessions') return response.end(JSON.stringify({ accessToken: 'token' }));
    asked.push(request.url!);
    const cart = pathname.startsWith('/cart');
    const from = Number(searchParams.get('cursor') ?? 0);
    const limit = Number(searchParams.get('limit'));
    if (limit < 1 || limit > 100) return response.writeHead(400).end('{}');
    const there = Array.from({ length: cart ? 250 : 3 }, (_, i) => entry(cart ? 250 - i : 1_003 - i));
    const end = from + limit;
    return response.end(JSON.stringify({ items: there.slice(from, end), nextCursor: end < there.length ? String(end) : null }));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((closed) => server.close(closed)));
beforeEach(() => asked.splice(0));

const entry = (second: number) => ({
  ...{ id: String(second), at: new Date(second * 1_000).toISOString(), accountId: 'me', method: 'POST', path: '/', what: 'a.b' },
  ...{ outcome: 'DONE', detail: {} },
});

async function audit(...args: string[]): Promise<string[]> {
  const options = parseOptions(['audit', ...args], { BALLAST_OPERATOR_EMAIL: 'me@example.test', BALLAST_OPERATOR_PASSWORD: 'x' });
  const urls = { auth: url, cart: `${url}/cart`, order: `${url}/order` };
  const { data } = await opsCommands.audit(await OpsPlatform.open({ ...options, urls }), [], options);
  return (data as { id: string; service: string }[]).map(({ id, service }) => `${service} ${id}`);
}
const cartFrom = (first: number, count: number) => Array.from({ length: count }, (_, i) => `cart ${first - i}`);
const newest = ['order 1003', 'order 1002', 'order 1001'];

it.each([
  [[], 20, 17],
  [['--limit', '2'], 2, 0],
  [['--limit', '100'], 100, 97],
  [['--limit', '120'], 120, 117],
  [['--limit', '500'], 253, 250],
])('audit %j tells of the latest %i of all services, however many pages that takes', async (args, all, ofCart) => {
  expect(await audit(...args)).toEqual([...newest.slice(0, all), ...cartFrom(250, ofCart)]);
});

it('audit asks for no more than it tells', async () => {
  await audit('--limit', '120');
  expect(asked.sort()).toEqual(['/cart/ops/v1/audit?limit=100', '/cart/ops/v1/audit?limit=20&cursor=100', '/order/ops/v1/audit?limit=100']);
});
