import type { ConnectionPool, Consumer } from '@platformatic/kafka';
import { eventually } from '@ballast/testing';
import { PlatformaticFetcher } from './platformatic.fetcher.js';
import { Slot } from './platformatic.slot.js';

const TOPIC = 'shop.events';

it('a broker that fails costs one set of connections: the fetches from others that end with it do not cost the next one', async () => {
  const pools: { cut: (() => void)[] }[] = [];
  const newConnections = () => {
    const pool = { cut: [] as (() => void)[] };
    pools.push(pool);
    return { pool, close: async () => pool.cut.forEach((cut) => cut()) } as unknown as ConnectionPool;
  };
  let fetches = 0;
  const consumer = {
    metadata: async () => ({ topics: new Map([[TOPIC, { id: '1', partitions: [{ leader: 1 }, { leader: 2 }] }]]) }),
    clearMetadata: () => undefined,
    fetch: ({ connectionPool }: { connectionPool: unknown }) => {
      const { pool } = connectionPool as { pool: (typeof pools)[number] };
      // Of the first two, one fails by itself, the other one when its connections are closed; later ones wait.
      if (fetches++ === 1) return Promise.reject(new Error('the leader is gone'));
      return new Promise((_, reject) => pool.cut.push(() => reject(new Error('closed'))));
    },
  } as unknown as Consumer;
  const slots = [new Slot(TOPIC, 0, 0n), new Slot(TOPIC, 1, 0n)];
  const stop = new AbortController();
  const running = new PlatformaticFetcher(consumer, newConnections, slots, () => undefined).run(stop.signal);
  try {
    // Both brokers are asked again, over the new connections.
    await eventually(() => expect(fetches).toBeGreaterThanOrEqual(4), { timeout: 4_000 });
    expect(pools).toHaveLength(2);
  } finally {
    stop.abort();
    await running;
  }
});
