import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Drill, startDrillCluster } from './drill.js';

/** `node drill.main.js HOME PORT_OFFSET`: starts a platform and takes the calls of `drill.client.ts`. Ends with its parent. */
async function main(): Promise<void> {
  const [home, offset] = process.argv.slice(2);
  if (!home || !offset || !process.send) throw new Error('drill.main.js is started by the set-up of the drills');
  const cluster = await startDrillCluster(home, Number(offset));
  const drill = new Drill(cluster);

  const server = createServer((request, response) => {
    answer(drill, request).then(
      (result) => response.end(JSON.stringify({ result })),
      (error: unknown) => response.writeHead(500).end(JSON.stringify({ error: String((error as Error).stack ?? error) })),
    );
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.on('disconnect', () => {
    server.close();
    void drill.stop().finally(() => process.exit());
  });
  process.send({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function answer(drill: Drill, request: IncomingMessage): Promise<unknown> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { method, args } = JSON.parse(body) as { method: keyof Drill; args: never[] };
  return (drill[method] as (...args: never[]) => unknown)(...args);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
