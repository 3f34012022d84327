import type { Database } from './database.js';

const EVERY = 5_000;

/**
 * Takes a sample of the tables for a metric, at once and then every 5 seconds, as long as the database is there: a scrape must not
 * wait for a server that stalls. While the database is away, and when a sample fails, the last one stays. Returns how to stop it.
 */
export function sampleEvery(database: Pick<Database, 'ready' | 'available'>, sample: () => Promise<void>, every = EVERY): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const next = async (): Promise<void> => {
    if (stopped) return;
    if (database.available) await sample().catch(() => undefined);
    if (!stopped) timer = setTimeout(() => void next(), every).unref();
  };
  database.ready.then(next).catch(() => undefined);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
