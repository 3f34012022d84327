import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { Drain } from './drain.js';

let server: FastifyInstance;
let port: number;
let client: Agent;
/** Requests that are held until the test lets them go. */
let held: (() => void)[];

const serve = async (grace: number): Promise<Drain> => {
  server = Fastify({ keepAliveTimeout: 75_000, return503OnClosing: false });
  const drain = new Drain(server, grace);
  held = [];
  server.post('/', async () => 'done');
  server.post('/held', async () => {
    await new Promise<void>((resolve) => held.push(resolve));
    return 'done';
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = server.server.address() as AddressInfo);
  return drain;
};

const post = (agent: Agent, path = '/'): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method: 'POST', agent }, (answer) => answer.resume().on('end', () => resolve(answer)))
      .on('error', reject)
      .end();
  });

beforeEach(() => (client = new Agent({ keepAlive: true, maxSockets: 1 })));
afterEach(async () => {
  client.destroy();
  await server.close();
});

it('answers the request that comes on an idle connection while it closes, and lets go of the connection then', async () => {
  const drain = await serve(60_000);
  expect((await post(client)).headers.connection).toBe('keep-alive');
  const closed = drain.close();
  const answer = await post(client);
  expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close']);
  await closed;
});

it('answers who connects before it stops listening', async () => {
  const drain = await serve(60_000);
  await post(client);
  const closed = drain.close();
  const other = new Agent();
  expect((await post(other)).statusCode).toBe(200);
  await post(client);
  await closed;
  await expect(post(other)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it('answers who connected in time and sends when nobody listens any more', async () => {
  const drain = await serve(20);
  const socket = connect(port, '127.0.0.1');
  await once(server.server, 'connection');
  const closed = drain.close();
  while (server.server.listening) await new Promise(setImmediate);
  socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 200 OK[^]*connection: close/i);
  await closed;
});

it('waits for the request at work, however long the grace', async () => {
  const drain = await serve(0);
  const answer = post(client, '/held');
  while (held.length === 0) await new Promise(setImmediate);
  const closed = drain.close();
  held[0]!();
  expect((await answer).statusCode).toBe(200);
  await closed;
});

it('does not wait for an idle connection longer than the grace, and not at all for none', async () => {
  const drain = await serve(20);
  await post(client);
  await drain.close();
  await server.close();
  const unused = await serve(2 ** 31 - 1);
  await unused.close();
});
