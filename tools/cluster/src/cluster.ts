import type { KafkaKind, RunningPostgres } from '@ballast/testing';
import { type Carrier, chooseCarrier } from './carrier.js';
import { endLine } from './end-line.js';
import { ClusterError } from './errors.js';
import { prepareGround } from './ground.js';
import type { Home } from './home.js';
import { createDatabases, startKafka, startPostgres, startTraces } from './infrastructure.js';
import { memoryOf } from './memory.js';
import type { Progress, Timing } from './progress.js';
import { buy, confirmed, type Purchase } from './purchase.js';
import { type RunFile, writeRun } from './run-file.js';
import { Scope } from './scope.js';
import { type Accounts, publishAccounts, seedProducts } from './seed.js';
import { startGateway, startServices, superviseServices } from './services.js';
import { startSteps } from './steps.js';
import type { SupervisedService } from './supervisor.js';
import type { Traces } from './traces.js';

export interface ClusterOptions {
  /** Where data, logs and passwords are kept. Default: `.ballast` in the workspace. */
  home?: string;
  /** Added to every port, so that two clusters can run side by side. */
  portOffset?: number;
  /** Begin with nothing: drops data, logs, passwords and keys. */
  fresh?: boolean;
  /** Which Kafka; by default the first that is there, and where there is none, or with `memory`, every service in one process without one. */
  kafka?: { choose?: KafkaKind | 'memory'; brokers?: string[] };
  /** A collector that takes the traces. Without one a Jaeger is looked for; `false`: none is wanted. */
  otlpEndpoint?: string | false;
  /** More environment for a service, by its name; `*` for all. */
  env?: Record<string, Record<string, string>>;
  /** Opens an inspector for each service, at its port + 10,000 on 127.0.0.1. Default: false. */
  inspect?: boolean;
  /** Whether to buy one basket in the end. Default: true. */
  purchase?: boolean;
  /** Shows what happens. Default: nothing is shown. */
  progress?: Progress;
  /** Told in one line, once all is up, when a service ended and was started again, and when Kafka or Postgres ended. */
  onTrouble?: (line: string) => void;
  /** Calls the start off: what runs by then is stopped, and `startCluster` rejects. */
  signal?: AbortSignal;
}

/** A platform that runs. */
export interface Cluster {
  readonly home: Home;
  /** The gateway's URL: the shop. */
  readonly url: string;
  readonly services: ReadonlyMap<string, SupervisedService>;
  readonly accounts: Accounts;
  /** Whether this is the first start with these accounts: their passwords are still to be shown. */
  readonly newAccounts: boolean;
  readonly kafka: Carrier;
  readonly postgres: RunningPostgres;
  readonly traces: Traces;
  readonly purchase?: Purchase;
  readonly timings: readonly Timing[];
  service(name: string): SupervisedService;
  /** A crash, by default: the supervisor starts it again. Without Kafka it is one of all services, for they share a process. */
  kill(service: string, signal?: NodeJS.Signals): Promise<void>;
  /** Stops a service gracefully and starts it anew; resolves when it is ready. */
  restart(service: string): Promise<void>;
  /** Proportional memory of this process and all it started, in bytes; undefined without /proc. */
  memory(): number | undefined;
  /** Stops all it started, and nothing else. */
  stop(): Promise<void>;
}

/**
 * Starts the whole platform on this machine: Kafka, Postgres with a replica, every service in `apps/`, the gateway, seeds.
 * When anything fails, or the signal is aborted, it stops what it started and rejects.
 *
 * @throws {ClusterError} for what a person can mend, in one clear line
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const scope = new Scope();
  const callOff = () => void scope.close().catch(() => undefined);
  options.signal?.addEventListener('abort', callOff, { once: true });
  try {
    options.signal?.throwIfAborted();
    return await start(options, scope);
  } catch (error) {
    await scope.close();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', callOff);
  }
}

async function start(options: ClusterOptions, scope: Scope): Promise<Cluster> {
  const ground = await prepareGround(options, scope);
  const { home, progress, accounts } = ground;
  let running: Partial<RunFile> = {};
  const publish = () => {
    const processes = [...services].map(([name, { pid, url, restarts }]) => [name, { pid, url, restarts }]);
    if (!scope.closed) writeRun(home.run, { ...running, services: Object.fromEntries(processes) });
  };
  let up = false;
  const tell = (line: string) => up && !scope.closed && options.onTrouble?.(line);
  let services: ReadonlyMap<string, SupervisedService> = new Map();

  // All begin at once; what needs another waits for it.
  const choosing = chooseCarrier(ground);
  const [startingKafka, startingPostgres, startingTraces] = [startKafka(ground, choosing), startPostgres(ground), startTraces(ground)];
  const startingServices = (async () => {
    await createDatabases(ground, await startingPostgres);
    const supervised = superviseServices(ground, await choosing, {
      onChange: publish,
      onRestart: ({ name, logFile }, exit) => tell(endLine(name, exit, logFile, 'started again')),
    });
    services = supervised.services;
    await startServices(ground, supervised, { otlpEndpoint: (await startingTraces).endpoint, kafka: startingKafka });
  })();
  const parts = [startingKafka, startingPostgres, startingTraces, startGateway(ground), startingServices] as const;
  const [kafka, postgres, traces, { url }] = await Promise.all(parts).catch(async (error: unknown) => {
    // The first failure is the one to tell; the others' are only its consequence.
    await scope.close().catch(() => undefined);
    await Promise.allSettled(parts);
    throw error;
  });

  running = {
    gateway: url,
    ...(traces.page && { jaeger: traces.page }),
    kafka: { kind: kafka.kind, brokers: kafka.brokers, ...(kafka.child && { pid: kafka.child.pid }) },
    postgres: { nodes: postgres.nodes.map(({ name, host, pid }) => ({ name, ...host, pid })) },
  };
  const newAccounts = publishAccounts(home, accounts);
  await progress.step(
    startSteps.seed,
    () => seedProducts(url, accounts.merchant),
    ({ added, restocked }) =>
      [added && `${added} products added`, restocked && `${restocked} restocked`].filter(Boolean).join(', ') || 'there already',
  );
  scope.refuseIfClosed();
  const purchase = options.purchase === false ? undefined : await buyOnce(progress, url, accounts);
  scope.refuseIfClosed();
  publish();

  up = true;
  void kafka.child?.exited.then((exit) => tell(endLine('Kafka', exit, home.kafka)));
  for (const { name, exited, logFile } of postgres.nodes) void exited?.then((exit) => tell(endLine(`Postgres (${name})`, exit, logFile)));

  const service = (name: string): SupervisedService => {
    const found = services.get(name);
    if (!found) throw new ClusterError(`There is no service "${name}": one of ${[...services.keys()].join(', ')}`);
    return found;
  };
  return {
    ...{ home, url, services, accounts, newAccounts, kafka, postgres, traces, timings: progress.timings, service },
    ...(purchase && { purchase }),
    kill: (name, signal) => service(name).kill(signal),
    restart: (name) => service(name).restart(),
    memory: () => memoryOf(process.pid),
    stop: () => scope.close(),
  };
}

function buyOnce(progress: Progress, url: string, { buyer }: Accounts): Promise<Purchase> {
  return progress.step(
    startSteps.purchase,
    async () => confirmed(await buy(url, buyer)),
    ({ status, ms }) => `${status} after ${Math.round(ms)} ms`,
  );
}
