import { join } from 'node:path';
import type { Child } from './child.js';
import type { Availability } from './docker.js';
import { brokerAnswers } from './kafka-ready.js';
import { dockerKafkaAvailable, startDockerKafka } from './kafka-docker.js';
import { javaKafkaAvailable, startJavaKafka } from './kafka-java.js';
import { workspaceRoot } from './workspace.js';

export type KafkaKind = 'external' | 'docker' | 'java';

export interface KafkaOptions {
  /** Holds the broker's data and log; kept between starts. */
  directory: string;
  /** Where clients connect. Default: a free port. */
  port?: number;
  /** Insist on one kind instead of taking the first that is there. */
  choose?: KafkaKind;
  /** Brokers that already run, `host:port`: these are taken. */
  brokers?: string[];
  /** Where jars and other things that are made once are kept. Default: `.ballast/kafka` in the workspace. */
  cache?: string;
  log?: (line: string) => void;
  /** Gives up starting, and leaves nothing running, when aborted. */
  signal?: AbortSignal;
}

export interface RunningKafka {
  readonly brokers: string[];
  readonly kind: KafkaKind;
  /** One line for people, e.g. `Apache Kafka 4.3.1 on Java`. */
  readonly describe: string;
  /** The process we started; undefined for an external Kafka. */
  readonly child?: Child;
  /** How to take it away; undefined for an external Kafka, which is not ours to harm. */
  readonly faults?: KafkaFaults;
  /** Stops what we started; an external Kafka is left alone. */
  stop(): Promise<void>;
}

export interface KafkaFaults {
  /** It takes connections and answers nothing. Gives the function that lets it go on. */
  pause(): Promise<() => Promise<void>>;
  /** A crash. Started anew with the same directory and port it has what it had acknowledged. */
  kill(): Promise<void>;
}

/** There is no Kafka and no means to start one; the message says what to install. */
export class NoKafkaError extends Error {
  override readonly name = 'NoKafkaError';
}

/**
 * Gives a Kafka that answers: the brokers given, else Docker, else Java with Maven.
 *
 * @throws {NoKafkaError} naming what is missing
 */
export async function startKafka(options: KafkaOptions): Promise<RunningKafka> {
  const { brokers, choose, cache = join(workspaceRoot(), '.ballast', 'kafka') } = options;
  if (choose === 'external' || (choose === undefined && brokers?.length)) return externalKafka(brokers ?? []);
  const launch = { ...options, cache, log: options.log ?? (() => undefined) };

  if (choose === 'docker') return startDockerKafka(launch);
  if (choose === 'java') return startJavaKafka(launch);
  const docker = await dockerKafkaAvailable(launch);
  if (docker.available) return startDockerKafka(launch);
  const java = await javaKafkaAvailable(cache);
  if (java.available) return startJavaKafka(launch);
  throw new NoKafkaError(
    `There is no Kafka: KAFKA_BROKERS is not set, ${docker.reason}, ${java.reason}. ` +
      'Start Docker, or install Java 17 or newer and Maven, or set KAFKA_BROKERS to brokers that run.',
  );
}

/**
 * Whether `startKafka` would find one, without starting it; else what is missing. Docker, which may have to pull an image to know,
 * is asked only where there is no Java.
 */
export async function kafkaAvailable(options: Pick<KafkaOptions, 'brokers' | 'cache' | 'log' | 'signal'>): Promise<Availability> {
  const { brokers, cache = join(workspaceRoot(), '.ballast', 'kafka'), log = () => undefined, signal } = options;
  if (brokers?.length) return { available: true };
  const java = await javaKafkaAvailable(cache);
  if (java.available) return java;
  const docker = await dockerKafkaAvailable({ log, ...(signal && { signal }) });
  return docker.available ? docker : { available: false, reason: `KAFKA_BROKERS is not set, ${docker.reason}, ${java.reason}` };
}

async function externalKafka(brokers: string[]): Promise<RunningKafka> {
  try {
    await brokerAnswers(brokers, { timeout: 5_000 });
  } catch (cause) {
    throw new NoKafkaError(`KAFKA_BROKERS is ${brokers.join(',') || 'empty'}, but no broker answers there`, { cause });
  }
  return { brokers, kind: 'external', describe: `the Kafka at ${brokers.join(',')} (KAFKA_BROKERS)`, stop: () => Promise.resolve() };
}
