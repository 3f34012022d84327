import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { PostgresProbe } from './probe.js';

/** A server that takes connections and never says a word: a machine under too much load, or one that is paused. */
describe('a look that is broken off', () => {
  let server: Server;
  const sockets: Socket[] = [];
  beforeEach(async () => {
    server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('does not take the connection of the next look with it', async () => {
    const host = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    const probe = new PostgresProbe(host, { hosts: [host], name: 'shop', user: 'shop', password: 'x' });
    const first = probe.look().catch((error: Error) => error);
    await connections(1);
    probe.close();
    const second = probe.look().catch((error: Error) => error.message);
    await connections(2);
    await first;
    // It is still there to be answered.
    sockets[1]!.write(errorResponse('the database system is starting up'));
    expect(await second).toBe('the database system is starting up');
  });

  const connections = async (count: number): Promise<void> => {
    while (sockets.length < count) await new Promise((resolve) => server.once('connection', resolve));
  };
});

/** A message of Postgres' protocol. */
function errorResponse(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C57P03\0M${message}\0\0`);
  const length = Buffer.alloc(4);
  length.writeInt32BE(fields.length + 4);
  return Buffer.concat([Buffer.from('E'), length, fields]);
}
