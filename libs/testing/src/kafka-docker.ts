import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { logTail, startChild } from './child.js';
import type { RunningKafka } from './kafka.js';
import { type Availability, dockerImageAvailable } from './docker.js';
import type { KafkaLaunch } from './kafka-java.js';
import { brokerAnswers } from './kafka-ready.js';
import { freePort } from './ports.js';
import { workspaceRoot } from './workspace.js';

const run = promisify(execFile);
const image = 'apache/kafka:4.3.1';
/** In the directory once there is a volume for it. */
const MARKER = 'docker-volume';

/** Whether Docker's engine answers and the image is there or can be pulled. */
export function dockerKafkaAvailable({ log, signal }: Pick<KafkaLaunch, 'log' | 'signal'>): Promise<Availability> {
  return dockerImageAvailable(image, { log, ...(signal && { signal }) });
}

const containerOf = (directory: string): string =>
  `ballast-kafka-${createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 12)}`;

/** The container stands still, whoever has started it; its client's process would be the wrong one. Gives the function that lets it go on. */
export async function pauseDockerKafka(directory: string): Promise<() => Promise<void>> {
  const name = containerOf(directory);
  await run('docker', ['pause', name]);
  return async () => void (await run('docker', ['unpause', name]));
}

/** Starts Apache Kafka in a container that goes when it stops; its data is in a volume named after `directory`. */
export async function startDockerKafka({ directory, port, log, signal }: KafkaLaunch): Promise<RunningKafka> {
  mkdirSync(directory, { recursive: true });
  const name = containerOf(directory);
  await run('docker', ['rm', '--force', name]).catch(() => undefined);
  const marker = join(directory, MARKER);
  if (!existsSync(marker)) {
    // The directory is new, so a volume of this name is what a deleted one left behind.
    await run('docker', ['volume', 'rm', '--force', name]);
    writeFileSync(marker, `${name}\n`);
  }
  log(`starting the container ${name}`);

  const clientPort = port ?? (await freePort());
  const settings = {
    ...asEnvironment(readFileSync(join(workspaceRoot(), 'infra/kafka/server.properties'), 'utf8')),
    KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${clientPort}`,
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_LOG_DIRS: '/var/lib/kafka/data',
    KAFKA_HEAP_OPTS: '-Xms64m -Xmx256m',
    KAFKA_JVM_PERFORMANCE_OPTS: '-XX:+UseSerialGC -XX:TieredStopAtLevel=1',
  };
  const environment = Object.entries(settings).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
  const container = ['--name', name, '-p', `127.0.0.1:${clientPort}:9092`, '-v', `${name}:/var/lib/kafka/data`];
  const logFile = join(directory, 'kafka.log');
  // In the foreground: the client hands signals on to the container, so that the watchdog works for it as for any child.
  const child = await startChild('Kafka (Docker)', 'docker', ['run', '--rm', ...container, ...environment, image], {
    logFile,
    grace: 20_000,
    ...(signal && { signal }),
  });
  const brokers = [`127.0.0.1:${clientPort}`];
  try {
    await brokerAnswers(brokers, { timeout: 90_000, child });
  } catch (cause) {
    await child.stop();
    signal?.throwIfAborted();
    throw new Error(`Kafka in Docker did not start:\n${logTail(logFile)}`, { cause });
  }
  return {
    brokers,
    kind: 'docker',
    describe: `Apache Kafka in Docker (${image})`,
    child,
    faults: {
      pause: () => pauseDockerKafka(directory),
      // The container, not its client here, which ends with it.
      kill: async () => {
        await run('docker', ['kill', name]);
        await child.exited;
      },
    },
    stop: async () => void (await child.stop()),
  };
}

/** A broker's settings as the image takes them: `log.dirs` as `KAFKA_LOG_DIRS`. */
export function asEnvironment(properties: string): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const line of properties.split('\n').filter((each) => each.trim() && !each.startsWith('#'))) {
    const [, name, value] = /^([a-z.]+)=(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`a setting of Kafka that cannot be told to its image: ${line}`);
    environment[`KAFKA_${name.replaceAll('.', '_').toUpperCase()}`] = value!;
  }
  return environment;
}

/** Deletes a broker's directory and, where its data is a volume of Docker's, that too, with a container that outlived its client. */
export function dropKafka(directory: string): void {
  if (existsSync(join(directory, MARKER)))
    for (const what of [['rm'], ['volume', 'rm']]) spawnSync('docker', [...what, '--force', containerOf(directory)], { timeout: 30_000 });
  rmSync(directory, { recursive: true, force: true });
}
