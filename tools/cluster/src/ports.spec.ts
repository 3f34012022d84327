import { createServer, type Server } from 'node:net';
import { eventually, freePort } from '@ballast/testing';
import { requirePorts } from './ports.js';

describe('the port check', () => {
  let server: Server;
  let busy: number;
  beforeEach(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    busy = (server.address() as { port: number }).port;
  });
  afterEach(() => void server.close());

  it('passes when all are free', async () => {
    await requirePorts([{ port: await freePort(), purpose: 'cart' }]);
  });

  it('names the port, what it is for, and the process that has it', async () => {
    const owner = process.platform === 'linux' ? ` by .+ \\(pid ${process.pid}\\)` : '.*';
    const check = requirePorts([
      { port: await freePort(), purpose: 'cart' },
      { port: busy, purpose: 'the gateway' },
    ]);
    await expect(check).rejects.toThrow(new RegExp(`^Busy port: ${busy} \\(the gateway\\)${owner}\\. Stop what listens there`));
  });

  it('waits for a port that is about to become free', async () => {
    const check = requirePorts([{ port: busy, purpose: 'cart' }], 10_000);
    server.close();
    await eventually(() => check);
  });
});
