import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from './kafka.js';
import { dropKafka } from './kafka-docker.js';
import { dropPostgres, startPostgres } from './postgres.js';

/**
 * Starts a Postgres and a Kafka for a run of tests, in a temporary directory and on free ports, and tells the workers by
 * `process.env`. What `BALLAST_TEST_POSTGRES` (JSON, as `PostgresAccess`) and `KAFKA_BROKERS` name is used instead.
 * A Kafka that cannot be had is an error: tests are never skipped for the lack of one.
 */
export async function startTestInfrastructure(): Promise<{ stop(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'ballast-test-'));
  chmodSync(directory, 0o711);
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    const results = await Promise.allSettled(stops.map((each) => each()));
    dropPostgres(join(directory, 'postgres'));
    dropKafka(join(directory, 'kafka'));
    rmSync(directory, { recursive: true, force: true });
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  };

  const postgres = async () => {
    if (process.env['BALLAST_TEST_POSTGRES']) return;
    const { primary, replica, superuser, stop: stopPostgres } = await startPostgres({ directory: join(directory, 'postgres') });
    stops.push(stopPostgres);
    process.env['BALLAST_TEST_POSTGRES'] = JSON.stringify({ primary, replica, superuser });
  };
  const kafka = async () => {
    const brokers = process.env['KAFKA_BROKERS']?.split(',');
    const running = await startKafka({ directory: join(directory, 'kafka'), ...(brokers && { brokers }) });
    stops.push(() => running.stop());
    process.env['KAFKA_BROKERS'] = running.brokers.join(',');
  };
  const results = await Promise.allSettled([postgres(), kafka()]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    await stop().catch(() => undefined);
    throw failed.reason;
  }
  return { stop };
}
