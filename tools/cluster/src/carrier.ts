import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { kafkaAvailable, type KafkaKind, type RunningKafka } from '@ballast/testing';
import { ClusterError } from './errors.js';
import type { Ground } from './ground.js';
import type { Home } from './home.js';
import { readPrivate, writePrivate } from './secrets.js';

/** What carries messages between the services: a Kafka, or, with all of them in one process, that process's memory. */
export interface Carrier extends Omit<RunningKafka, 'kind'> {
  readonly kind: KafkaKind | 'memory';
}

/** Which of both it will be, and why not Kafka. Starts nothing. */
export type Choice = { kafka: true } | { kafka: false; why: string };

/**
 * Kafka when there is one, unless the other is asked for.
 *
 * @throws {ClusterError} when data that Kafka took part in would go on without it: what was sent there and not yet read is on no outbox
 */
export async function chooseCarrier({ options: { kafka = {} }, home, scope }: Pick<Ground, 'options' | 'home' | 'scope'>): Promise<Choice> {
  const earlier = carrierOf(home); // before Postgres makes its directory
  const choice = await choose(kafka, scope);
  if (!choice.kafka && earlier === 'kafka') {
    throw new ClusterError(
      `${home.directory} was last used with Kafka, which may hold messages that nobody has read yet; without it (${choice.why}) ` +
        'they would be missing. Make that Kafka available again, or start with --home DIRECTORY elsewhere, or with --fresh',
    );
  }
  // What Kafka has not begun to carry is not yet its own: see `rememberingKafka`.
  if (earlier !== 'kafka') remember(home, 'memory');
  return choice;
}

/** Remembers Kafka from before its first message on, unless it does not even start. */
export async function rememberingKafka<T>(home: Home, start: () => Promise<T>): Promise<T> {
  const earlier = carrierOf(home);
  remember(home, 'kafka');
  try {
    return await start();
  } catch (error) {
    if (earlier) remember(home, earlier);
    throw error;
  }
}

function remember(home: Home, carrier: 'kafka' | 'memory'): void {
  mkdirSync(dirname(home.carrier), { recursive: true });
  writePrivate(home.carrier, { carrier });
}

/** Data from before there was a choice had Kafka. The other way round nothing can be missing: it is all in the outboxes. */
function carrierOf(home: Home): 'kafka' | 'memory' | undefined {
  if (existsSync(home.carrier)) return readPrivate<{ carrier: 'kafka' | 'memory' }>(home.carrier).carrier;
  return existsSync(home.postgres) ? 'kafka' : undefined;
}

async function choose({ choose, brokers }: NonNullable<Ground['options']['kafka']>, scope: Ground['scope']): Promise<Choice> {
  if (choose === 'memory') return { kafka: false, why: '--kafka memory' };
  if (choose) return { kafka: true };
  const found = await scope.own(
    (signal) => kafkaAvailable({ ...(brokers && { brokers }), signal }),
    () => undefined,
  );
  return found.available ? { kafka: true } : { kafka: false, why: found.reason };
}

/** Nothing to start, nothing to stop: it lives in the process of the services. */
export function inMemory(why: string): Carrier {
  return { kind: 'memory', brokers: [], describe: `none (${why}): messages stay in memory`, stop: () => Promise.resolve() };
}
