import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { socketFactory } from './kafkajs.socket.js';

describe('a socket of kafkajs', () => {
  it('keeps nothing of those who take leave of it when it has ended', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    const socket = socketFactory({ host: '127.0.0.1', port, ssl: undefined as never, onConnect: () => undefined });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('close', resolve));
    const before = socket.listenerCount('connect');
    for (let n = 0; n < 12; n++) socket.unref();
    expect(socket.listenerCount('connect')).toBe(before);
  });

  it('still does not keep a process alive once it was taken leave of', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = socketFactory({ host: '127.0.0.1', port, ssl: undefined as never, onConnect: () => undefined });
    await once(socket, 'connect');
    const { _handle: handle } = socket as unknown as { _handle: { hasRef(): boolean } };
    expect(handle.hasRef()).toBe(true);
    socket.unref();
    expect(handle.hasRef()).toBe(false);
    socket.destroy();
    server.close();
  });
});
