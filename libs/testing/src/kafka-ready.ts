import { Kafka, logLevel } from 'kafkajs';
import { eventually } from './eventually.js';
import type { Child } from './child.js';

/**
 * Waits until a broker answers a client's metadata request.
 *
 * @param options `child`: the broker's process; when that ends, waiting ends
 */
export async function brokerAnswers(brokers: string[], options: { timeout: number; child?: Child }): Promise<void> {
  const client = new Kafka({
    brokers,
    clientId: 'ballast-launcher',
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    retry: { retries: 0 },
  });
  let dead = false;
  await eventually(
    async () => {
      if (options.child && !options.child.alive) {
        dead = true;
        return;
      }
      const admin = client.admin();
      try {
        await admin.connect();
        const { brokers: found } = await admin.describeCluster();
        if (found.length === 0) throw new Error('The cluster has no broker yet');
      } finally {
        await admin.disconnect();
      }
    },
    { timeout: options.timeout, interval: 100 },
  );
  if (dead) throw new Error(`${options.child?.name ?? 'The broker'} stopped while it started`);
}
