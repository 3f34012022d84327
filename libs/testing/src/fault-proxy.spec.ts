import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { eventually } from './eventually.js';
import { type FaultProxy, faultProxy } from './fault-proxy.js';
import { freePort } from './ports.js';

describe('the fault proxy', () => {
  let echo: Server;
  let proxy: FaultProxy;
  const open = new Set<Socket>();

  beforeEach(async () => {
    echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    proxy = await faultProxy({ host: '127.0.0.1', port: (echo.address() as { port: number }).port });
  });
  afterEach(async () => {
    for (const socket of open) socket.destroy();
    await proxy.close();
    await new Promise((resolve) => echo.close(resolve));
  });

  it('passes bytes both ways, and the end of a connection', async () => {
    const client = await dial();
    expect(await ask(client, 'hello')).toBe('hello');
    client.end();
    await once(client, 'close');
    await eventually(() => expect(proxy.connections).toBe(0));
  });

  it('cuts what is open with a reset and takes new connections', async () => {
    const client = await dial();
    await ask(client, 'hello');
    const broken = failure(client);
    proxy.cut();
    expect(await broken).toBe('ECONNRESET');
    expect(await ask(await dial(), 'again')).toBe('again');
  });

  it('stalls: nothing passes, nothing breaks, and healing delivers what was held back', async () => {
    const [client, other] = [await dial(), await dial()];
    await ask(client, 'hello');
    proxy.stall();
    let answer = '';
    client.on('data', (data) => (answer += data));
    client.write('held back');
    const late = await dial();
    const lateAnswer = once(late, 'data');
    late.write('me too');
    // Another round trip through the machine's network shows that there was time enough to arrive.
    await roundTrip();
    expect(answer).toBe('');
    expect([client, other, late].map((socket) => socket.destroyed)).toEqual([false, false, false]);

    proxy.heal();
    await eventually(() => expect(answer).toBe('held back'));
    expect(String((await lateAnswer)[0])).toBe('me too');
  });

  it('refuses: breaks what is open and resets what is new', async () => {
    const client = await dial();
    await ask(client, 'hello');
    const broken = failure(client);
    proxy.refuse();
    expect(await broken).toBe('ECONNRESET');
    // Without waiting for 'connect': the reset may come before it.
    expect(await failure(connect({ host: proxy.host, port: proxy.port }))).toBe('ECONNRESET');
    proxy.heal();
    expect(await ask(await dial(), 'again')).toBe('again');
  });

  it('breaks a connection whose target is away', async () => {
    const nowhere = await faultProxy({ host: '127.0.0.1', port: await freePort() });
    const client = connect(nowhere);
    expect(await failure(client)).toBe('ECONNRESET');
    await nowhere.close();
  });

  async function dial(): Promise<Socket> {
    const client = connect({ host: proxy.host, port: proxy.port });
    open.add(client);
    await once(client, 'connect');
    return client;
  }

  async function roundTrip(): Promise<void> {
    const direct = connect({ host: '127.0.0.1', port: (echo.address() as { port: number }).port });
    open.add(direct);
    await ask(direct, 'ping');
  }
});

async function ask(client: Socket, text: string): Promise<string> {
  const answer = once(client, 'data');
  client.write(text);
  return String((await answer)[0]);
}

async function failure(client: Socket): Promise<string | undefined> {
  const [error] = (await new Promise<[Error]>((resolve) => client.once('error', (error) => resolve([error])))) as [NodeJS.ErrnoException];
  return error.code;
}
