import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { logTail, runChild, startChild } from './child.js';
import type { Availability } from './docker.js';
import { pauseProcess } from './faults.js';
import type { RunningKafka } from './kafka.js';
import { brokerAnswers } from './kafka-ready.js';
import { freePort } from './ports.js';
import { workspaceRoot } from './workspace.js';

const run = promisify(execFile);
const oldestJava = 17;

export interface KafkaLaunch {
  directory: string;
  cache: string;
  port?: number;
  log: (line: string) => void;
  signal?: AbortSignal;
}

/** Whether a broker can be started with Java; Maven is needed until its jars are in the cache. */
export async function javaKafkaAvailable(cache: string): Promise<Availability> {
  const version = await javaVersion();
  if (version === undefined) return { available: false, reason: 'Java is not installed' };
  if (version < oldestJava) return { available: false, reason: `Java ${version} is older than ${oldestJava}` };
  if (existsSync(jarFolder(cache))) return { available: true };
  try {
    await run('mvn', ['-v']);
    return { available: true };
  } catch {
    return { available: false, reason: 'Maven is not installed' };
  }
}

/**
 * Starts one Apache Kafka broker in a small JVM. What takes long is done once and kept in `cache`: the jars, a formatted data
 * directory, and an archive of loaded classes (made when the first broker stops), which more than halves the next starts.
 */
export async function startJavaKafka({ directory, cache, port, log, signal }: KafkaLaunch): Promise<RunningKafka> {
  mkdirSync(cache, { recursive: true });
  mkdirSync(directory, { recursive: true });
  const jars = await resolveJars(cache, log, signal);
  const data = join(directory, 'data');
  if (!existsSync(join(data, 'meta.properties'))) cpSync(await formattedStorage(cache, jars, log, signal), data, { recursive: true });

  const [clientPort, controllerPort] = [port ?? (await freePort()), await freePort()];
  const settings = writeSettings(directory, {
    listeners: `PLAINTEXT://127.0.0.1:${clientPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${clientPort}`,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': data,
  });
  const classes = await classArchive(cache);
  const logFile = join(directory, 'kafka.log');
  const child = await startChild('Kafka', 'java', [...jvmOptions, ...classes.options, '-cp', jars, 'kafka.Kafka', settings], {
    cwd: directory,
    logFile,
    ...(signal && { signal }),
  });
  const brokers = [`127.0.0.1:${clientPort}`];
  try {
    await brokerAnswers(brokers, { timeout: 90_000, child });
  } catch (cause) {
    await child.stop();
    classes.discard();
    signal?.throwIfAborted();
    throw new Error(`Kafka did not start:\n${logTail(logFile)}`, { cause });
  }
  return {
    brokers,
    kind: 'java',
    describe: `Apache Kafka ${kafkaVersion()} on Java`,
    child,
    faults: {
      pause: () => {
        const resume = pauseProcess(child.pid);
        return Promise.resolve(() => Promise.resolve(resume()));
      },
      kill: async () => void (await child.stop({ signal: 'SIGKILL' })),
    },
    async stop() {
      // Writing the class archive takes a few seconds at the end of the first run.
      await child.stop({ grace: 30_000 });
      classes.keep();
    },
  };
}

const jvmOptions = [
  '-Xms64m',
  '-Xmx256m',
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Xlog:disable',
  '-Xlog:all=error:stderr',
  '-Djava.awt.headless=true',
  `-Dlog4j2.configurationFile=${join(workspaceRoot(), 'infra/kafka/log4j2.xml')}`,
];

async function javaVersion(): Promise<number | undefined> {
  try {
    const { stdout, stderr } = await run('java', ['-version']);
    return Number(/version "(\d+)/.exec(stderr + stdout)?.[1] ?? 0);
  } catch {
    return undefined;
  }
}

function pomFile(): string {
  return join(workspaceRoot(), 'infra/kafka/pom.xml');
}

function kafkaVersion(): string {
  const version = /<version>([^<]+)<\/version>/.exec(readFileSync(pomFile(), 'utf8'))?.[1];
  if (!version) throw new Error('infra/kafka/pom.xml has no version');
  return version;
}

function jarFolder(cache: string): string {
  return join(cache, `jars-${kafkaVersion()}`);
}

/** The class path. Jars are listed one by one: an archive of classes is refused for a class path with `*`. */
async function resolveJars(cache: string, log: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const folder = jarFolder(cache);
  await makeOnce(folder, async (partial) => {
    log(`downloading Apache Kafka ${kafkaVersion()} (44 MB) with Maven`);
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${partial}`, '-DincludeScope=runtime'];
    const logFile = join(cache, 'maven.log');
    rmSync(logFile, { force: true });
    try {
      await runChild('Maven', 'mvn', ['-B', '-q', '-f', pomFile(), ...goal], { logFile, ...(signal && { signal }) });
    } catch (cause) {
      signal?.throwIfAborted();
      const reason =
        readFileSync(logFile, 'utf8')
          .split('\n')
          .find((line) => line.startsWith('[ERROR]')) ?? String(cause);
      throw new Error(`Maven could not download Apache Kafka (see ${logFile}): ${reason}`, { cause });
    }
  });
  return readdirSync(folder)
    .filter((file) => file.endsWith('.jar'))
    .sort()
    .map((file) => join(folder, file))
    .join(':');
}

/** An empty, formatted data directory. Formatting takes a JVM of its own, so it is done once and copied. */
async function formattedStorage(cache: string, jars: string, log: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const folder = join(cache, `storage-${kafkaVersion()}`);
  await makeOnce(folder, async (partial) => {
    log('formatting the storage of Kafka');
    const settings = writeSettings(partial, {
      listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
      'controller.quorum.voters': '1@127.0.0.1:9093',
      'log.dirs': partial,
    });
    const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', '5L6g3nShT-eMCtK--X86sw', '--config', settings];
    const logFile = join(cache, 'format.log');
    await runChild('Formatting the storage of Kafka', 'java', [...jvmOptions, '-cp', jars, ...format], {
      logFile,
      ...(signal && { signal }),
    });
    rmSync(settings);
  });
  return folder;
}

/** Two runs may start at once: each makes its own, and the first to finish wins. */
async function makeOnce(folder: string, make: (partial: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  const partial = mkdtempSync(`${folder}.partial-`);
  try {
    await make(partial);
    renameSync(partial, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function writeSettings(directory: string, own: Record<string, string>): string {
  const file = join(directory, 'server.properties');
  const lines = Object.entries(own).map(([key, value]) => `${key}=${value}`);
  writeFileSync(file, [readFileSync(join(workspaceRoot(), 'infra/kafka/server.properties'), 'utf8'), ...lines, ''].join('\n'));
  return file;
}

/** The archive of loaded classes (AppCDS): used when it is there, otherwise written by this JVM when it ends. */
async function classArchive(cache: string): Promise<{ options: string[]; keep(): void; discard(): void }> {
  const archive = join(cache, `classes-${kafkaVersion()}-java${await javaVersion()}.jsa`);
  if (existsSync(archive)) {
    return { options: [`-XX:SharedArchiveFile=${archive}`, '-Xshare:auto'], keep: () => undefined, discard: () => undefined };
  }
  const partial = `${archive}.partial-${process.pid}`;
  return {
    options: [`-XX:ArchiveClassesAtExit=${partial}`],
    keep: () => {
      if (existsSync(partial)) renameSync(partial, archive);
    },
    discard: () => rmSync(partial, { force: true }),
  };
}
