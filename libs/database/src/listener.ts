import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '@ballast/resilience';
import { logger } from '@ballast/tracing';
import { escapeIdentifier, type PoolClient } from 'pg';
import { holdSessionLock } from './session-lock.js';

export interface ListenerSettings {
  /** To the primary. */
  pool: { connect(): Promise<PoolClient> };
  whenAvailable(signal: AbortSignal): Promise<void>;
  /** Of a lock that the connection holds, so that others can see whether its process lives (`sessionLockHeld`). */
  as?: string;
}

/**
 * Calls `heard` with the payload of each NOTIFY on the channel, and with nothing each time it begins to listen: what was sent before that is lost, as
 * is what is sent while the connection is away. So it may tell that something is to be done earlier, never that something is to be done. Follows the
 * primary. Until the signal aborts.
 */
export async function listen(
  { pool, whenAvailable, as }: ListenerSettings,
  channel: string,
  heard: (payload?: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      await whenAvailable(signal);
      await listenOnce({ client: await pool.connect(), as }, channel, heard, signal, () => (failures = 0));
    } catch (error) {
      if (signal.aborted) return;
      logger().debug({ channel, reason: (error as Error).message }, 'not listening to the database: trying again');
      await sleep(backoff(++failures, { initial: 100, max: 5_000 }), undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Until the connection ends, which is an error, or the signal aborts. The connection is closed then: nobody else should hear what it hears. */
async function listenOnce(
  { client, as }: { client: PoolClient; as: string | undefined },
  channel: string,
  heard: (payload?: string) => void,
  signal: AbortSignal,
  begun: () => void,
): Promise<void> {
  let stop!: () => void;
  try {
    await new Promise<void>((resolve, reject) => {
      stop = resolve;
      signal.addEventListener('abort', stop);
      client.on('error', reject);
      client.on('end', () => reject(new Error('the connection has ended')));
      client.on('notification', ({ payload }) => heard(payload));
      const held = as === undefined ? Promise.resolve() : client.query(holdSessionLock('$1'), [as]);
      held
        .then(() => client.query(`LISTEN ${escapeIdentifier(channel)}`))
        .then(() => {
          begun();
          heard();
        })
        .catch(reject);
      if (signal.aborted) resolve();
    });
  } finally {
    signal.removeEventListener('abort', stop);
    client.release(true);
  }
}
