import type { BaseOptions } from '@platformatic/kafka';
import { CONNECT_LIMIT, type Connecting, REQUEST_LIMIT } from './kafka.client.js';
import { within } from './within.js';

const CLOSE_LIMIT = 1_000;

/** `metadataMaxAge`: a leader that moved is found after that, ms, or at once when a broker says that it is not the leader. */
export const baseOptions = ({ brokers, clientId }: Connecting): BaseOptions => ({
  bootstrapBrokers: brokers,
  clientId,
  connectTimeout: CONNECT_LIMIT,
  requestTimeout: REQUEST_LIMIT,
  timeout: REQUEST_LIMIT,
  metadataMaxAge: 5_000,
  retries: 0,
  autocreateTopics: false,
});

/** Ends a client's connections, and with them whatever it waits for. Never rejects. */
export async function closeClient(client: { close(): Promise<void> }): Promise<void> {
  await within(CLOSE_LIMIT, client.close(), () => new Error('late')).catch(() => undefined);
}
