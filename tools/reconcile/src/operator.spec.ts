import dns from 'node:dns/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Operator } from './operator.js';

/** Replicas listen on the same port of different addresses; here on addresses of the loopback network. */
const servers: Server[] = [];
const answers = new Map<string, (request: IncomingMessage) => { status?: number; body: unknown }>();

async function listen(address: string, port = 0): Promise<number> {
  const server = createServer((request, response) => {
    if (request.url === '/auth/sessions') {
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"accessToken":"token"}');
      return;
    }
    const { status = 200, body } = answers.get(address)!(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

const addressesAre = (...addresses: string[]) =>
  jest.spyOn(dns, 'lookup').mockImplementation((() => Promise.resolve(addresses.map((address) => ({ address, family: 4 })))) as never);

async function operatorAt(url: string, auth = url): Promise<Operator> {
  return Operator.signIn({
    ...{ auth, services: { order: url, cart: url, payment: url, inventory: url } },
    credentials: { email: 'a', password: 'b' },
  });
}

afterEach(async () => {
  jest.restoreAllMocks();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe('replicas behind one name', () => {
  let port: number;
  beforeEach(async () => {
    port = await listen('127.0.0.1');
    await listen('127.0.0.2', port);
    for (const address of ['127.0.0.1', '127.0.0.2']) answers.set(address, ({ url }) => ({ body: { address, url } }));
  });

  it('are asked each', async () => {
    addressesAre('127.0.0.1', '127.0.0.2');
    const operator = await operatorAt(`http://cart:${port}`, `http://127.0.0.1:${port}`);
    expect(await operator.each('cart', '/ops/v1/lag')).toEqual([
      { address: '127.0.0.1', url: '/ops/v1/lag' },
      { address: '127.0.0.2', url: '/ops/v1/lag' },
    ]);
  });

  it('that do not answer, or are about to stop, are left out; but not all of them', async () => {
    const operator = await operatorAt(`http://cart:${port}`, `http://127.0.0.1:${port}`);
    addressesAre('127.0.0.1', '127.0.0.3');
    expect(await operator.each('cart', '/health/ready')).toMatchObject([{ address: '127.0.0.1' }]);
    answers.set('127.0.0.2', () => ({ status: 503, body: { status: 'stopping' } }));
    addressesAre('127.0.0.1', '127.0.0.2');
    expect(await operator.each('cart', '/health/ready')).toMatchObject([{ address: '127.0.0.1' }]);
    addressesAre('127.0.0.3');
    await expect(operator.each('cart', '/health/ready')).rejects.toThrow(/cart cannot be reached/);
  });

  it('may be one, by its address', async () => {
    const operator = await operatorAt(`http://127.0.0.2:${port}`, `http://127.0.0.1:${port}`);
    expect(await operator.each('cart', '/health/ready')).toMatchObject([{ address: '127.0.0.2' }]);
  });
});

it('a list is read to its last page', async () => {
  const port = await listen('127.0.0.1');
  answers.set('127.0.0.1', ({ url }) => {
    const { pathname, searchParams } = new URL(url!, 'http://cart');
    const cursor = searchParams.get('cursor');
    return { body: { items: [`${pathname} ${searchParams.get('status')} ${cursor}`], nextCursor: cursor ? null : 'second' } };
  });
  const operator = await operatorAt(`http://127.0.0.1:${port}`);
  expect(await operator.list('cart', 'dead-letters', { status: 'OPEN' })).toEqual([
    '/ops/v1/dead-letters OPEN null',
    '/ops/v1/dead-letters OPEN second',
  ]);
});
