import type { PostgresAccess } from './postgres.js';

/** The Postgres of this test run, from Jest's global set-up. */
export function testPostgres(): PostgresAccess {
  const value = process.env['BALLAST_TEST_POSTGRES'];
  if (!value) throw new Error('No Postgres for tests: run this with jest.integration.config.mjs, whose global set-up starts one');
  return JSON.parse(value) as PostgresAccess;
}

/** The Kafka brokers of this test run, from Jest's global set-up. */
export function testBrokers(): string[] {
  const value = process.env['KAFKA_BROKERS'];
  if (!value) throw new Error('No Kafka for tests: run this with jest.integration.config.mjs, whose global set-up starts one');
  return value.split(',').map((broker) => broker.trim());
}
