import { createServer } from 'node:net';
import { freePort, portIsFree } from './ports.js';

it('knows a busy port from a free one', async () => {
  const port = await freePort();
  expect(await portIsFree(port)).toBe(true);

  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  expect(await portIsFree(port)).toBe(false);
  await new Promise((resolve) => server.close(resolve));
});
