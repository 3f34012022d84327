import {
  createServiceDatabase,
  type KafkaKind,
  type RunningKafka,
  type RunningPostgres,
  startKafka,
  startPostgres,
  workspaceRoot,
} from '@ballast/testing';
import type { ServiceManifest } from '@ballast/service/manifest';
import { join } from 'node:path';
import { ClusterError } from './errors.js';
import { type Gateway, startGateway } from './gateway.js';
import { dropHome, dropLogs, type Home, openHome } from './home.js';
import { readManifests } from './manifests.js';
import { memoryOf } from './memory.js';
import { requirePorts, type WantedPort } from './ports.js';
import { type Progress, silentProgress, TimedProgress, type Timing } from './progress.js';
import { buy, type Purchase } from './purchase.js';
import { claimRun, removeRun, writeRun } from './run-file.js';
import { Scope } from './scope.js';
import { Secrets } from './secrets.js';
import { type Accounts, ensureAccounts, publishAccounts, seedProducts } from './seed.js';
import { databasePasswords, serviceEnvironment, type World } from './service-environment.js';
import { SupervisedService } from './supervisor.js';
import { startTraces, type Traces } from './traces.js';

export interface ClusterOptions {
  /** Where data, logs and passwords are kept. Default: `.ballast` in the workspace. */
  home?: string;
  /** Added to every port, so that two clusters can run side by side. */
  portOffset?: number;
  /** Begin with nothing: drops data, logs, passwords and keys. */
  fresh?: boolean;
  /** Which Kafka; by default the first that is there. */
  kafka?: { choose?: KafkaKind; brokers?: string[] };
  /** A collector that takes the traces. Without one a Jaeger is looked for; `false`: none is wanted. */
  otlpEndpoint?: string | false;
  /** More environment for a service, by its name; `*` for all. */
  env?: Record<string, Record<string, string>>;
  /** Whether to buy one basket in the end. Default: true. */
  purchase?: boolean;
  progress?: Progress;
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
  readonly kafka: RunningKafka;
  readonly postgres: RunningPostgres;
  readonly traces: Traces;
  readonly purchase?: Purchase;
  readonly timings: readonly Timing[];
  service(name: string): SupervisedService;
  /** A crash, by default: the supervisor starts it again. */
  kill(service: string, signal?: NodeJS.Signals): Promise<void>;
  /** Stops a service gracefully and starts it anew; resolves when it is ready. */
  restart(service: string): Promise<void>;
  /** Proportional memory of all processes of this machine that belong to it, in bytes; undefined without /proc. */
  memory(): number | undefined;
  /** Stops all it started, and nothing else. */
  stop(): Promise<void>;
}

const base = { gateway: 8080, postgres: 5433, replica: 5434, kafka: 9092, otlp: 4318, traces: 16686 };

/** The steps of a start in the order they begin: what a progress display can show beforehand. */
export const startSteps = {
  kafka: 'Kafka',
  postgres: 'Postgres',
  databases: 'Databases and roles',
  traces: 'Traces',
  services: 'Services',
  gateway: 'Gateway',
  seed: 'Accounts and products',
  purchase: 'A purchase',
} as const;

/**
 * Starts the whole platform on this machine: Kafka, Postgres with a replica, every service in `apps/`, the gateway, seeds.
 * When anything fails, or the signal is aborted, it stops what it started and rejects.
 *
 * @throws {ClusterError} for what a person can mend, in one clear line
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const scope = new Scope();
  const closed = () => void scope.close().catch(() => undefined);
  options.signal?.addEventListener('abort', closed, { once: true });
  try {
    options.signal?.throwIfAborted();
    return await start(options, scope);
  } catch (error) {
    await scope.close();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', closed);
  }
}

async function start(options: ClusterOptions, scope: Scope): Promise<Cluster> {
  const { portOffset = 0, kafka: kafkaOptions = {}, env = {} } = options;
  const port = (wanted: number) => wanted + portOffset;
  const progress = new TimedProgress(options.progress ?? silentProgress);
  const home = openHome(options.home);
  const manifests = await readManifests();

  const { orphaned } = claimRun(home.run);
  await scope.own(
    () => Promise.resolve(),
    () => removeRun(home.run),
  );
  await requirePorts(wantedPorts(manifests, port, kafkaOptions.brokers), orphaned ? 30_000 : 0);
  if (options.fresh) dropHome(home);
  dropLogs(home);

  const secrets = new Secrets(home.secrets);
  const accounts = ensureAccounts(home);
  const world: World = {
    manifests,
    secrets,
    portOf: (manifest) => port(manifest.port),
    databaseHosts: [base.postgres, base.replica].map((each) => ({ host: '127.0.0.1', port: port(each) })),
    brokers: kafkaOptions.brokers ?? [`127.0.0.1:${port(base.kafka)}`],
    bootstrapFile: home.bootstrap,
  };

  const startingKafka = progress.step(
    startSteps.kafka,
    (say) =>
      scope.own(
        (signal) => startKafka({ directory: home.kafka, cache: kafkaCache(), port: port(base.kafka), ...kafkaOptions, log: say, signal }),
        (running) => running.stop(),
      ),
    ({ describe }) => describe,
  );
  const startingPostgres = progress.step(
    startSteps.postgres,
    (say) =>
      scope.own(
        (signal) =>
          startPostgres({ directory: home.postgres, port: port(base.postgres), replicaPort: port(base.replica), log: say, signal }),
        (running) => running.stop(),
      ),
    ({ primary, replica }) => `primary :${primary.port}, streaming replica :${replica?.port}`,
  );
  const startingTraces = progress.step(
    startSteps.traces,
    (say) =>
      scope.own(
        (signal) => findTraces(options.otlpEndpoint, { home, otlpPort: port(base.otlp), uiPort: port(base.traces), say, signal }),
        (running) => running.stop(),
      ),
    ({ describe }) => describe,
  );

  const services = new Map<string, SupervisedService>();
  const startingServices = (async () => {
    const postgres = await startingPostgres;
    const withDatabase = manifests.filter(({ database }) => database);
    await progress.step(
      startSteps.databases,
      () => Promise.all(withDatabase.map(({ name }) => createServiceDatabase(postgres, name, databasePasswords(name, secrets)))),
      () => withDatabase.map(({ name }) => name).join(', '),
    );
    const { endpoint } = await startingTraces;
    if (endpoint) world.otlpEndpoint = endpoint;
    await progress.step(
      startSteps.services,
      async () => {
        for (const manifest of manifests) {
          const service = new SupervisedService({
            name: manifest.name,
            url: `http://127.0.0.1:${world.portOf(manifest)}`,
            env: { ...serviceEnvironment(manifest, world), ...env['*'], ...env[manifest.name] },
            args: serviceArguments(manifest.name),
            logFile: home.logOf(manifest.name),
            onChange: () => writeRunFile(),
          });
          services.set(manifest.name, service);
        }
        await scope.own(
          () => Promise.all([...services.values()].map((service) => service.start())),
          () => Promise.all([...services.values()].map((service) => service.stop())),
        );
        await startingKafka;
        await Promise.all([...services.values()].map((service) => service.ready({ firstTime: true })));
      },
      () => [...services.keys()].join(', '),
    );
  })();

  const startingGateway = progress.step(
    startSteps.gateway,
    () =>
      scope.own(
        () =>
          startGateway(
            manifests.flatMap((manifest) =>
              manifest.routes.map((prefix) => ({ prefix, upstream: `http://127.0.0.1:${world.portOf(manifest)}` })),
            ),
            port(base.gateway),
          ),
        (running) => running.close(),
      ),
    ({ url }) => url,
  );

  let parts: { kafka: RunningKafka; postgres: RunningPostgres; gateway: Gateway } | undefined = undefined;
  const writeRunFile = () => {
    if (scope.closed) return;
    writeRun(home.run, {
      ...(parts && {
        gateway: parts.gateway.url,
        kafka: { brokers: parts.kafka.brokers, ...(parts.kafka.child && { pid: parts.kafka.child.pid }) },
        postgres: { nodes: parts.postgres.nodes.map(({ name, host, pid }) => ({ name, ...host, pid })) },
      }),
      services: Object.fromEntries([...services].map(([name, { pid, url }]) => [name, { pid, url }])),
    });
  };

  const [kafka, postgres, traces, gateway] = await allOrNone(
    [startingKafka, startingPostgres, startingTraces, startingGateway, startingServices],
    scope,
  );
  parts = { kafka, postgres, gateway };
  const newAccounts = publishAccounts(home, accounts);
  await progress.step(
    startSteps.seed,
    () => seedProducts(gateway.url, accounts.merchant),
    (added) => (added > 0 ? `${added} products added` : 'there already'),
  );
  scope.refuseIfClosed();
  const purchase =
    options.purchase === false
      ? undefined
      : await progress.step(
          startSteps.purchase,
          () => buy(gateway.url, accounts.buyer),
          ({ status, ms }) => `${status} after ${Math.round(ms)} ms`,
        );
  scope.refuseIfClosed();
  writeRunFile();

  const service = (name: string): SupervisedService => {
    const found = services.get(name);
    if (!found) throw new ClusterError(`There is no service "${name}": one of ${[...services.keys()].join(', ')}`);
    return found;
  };
  return {
    home,
    url: gateway.url,
    services,
    accounts,
    newAccounts,
    kafka,
    postgres,
    traces,
    timings: progress.timings,
    ...(purchase && { purchase }),
    service,
    kill: (name, signal) => service(name).kill(signal),
    restart: (name) => service(name).restart(),
    memory: () => memoryOf(process.pid),
    stop: () => scope.close(),
  };
}

/** Waits for all; when one fails, the rest is called off and awaited before the failure is told. */
async function allOrNone<const T extends readonly Promise<unknown>[]>(
  starting: T,
  scope: Scope,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  try {
    return (await Promise.all(starting)) as { -readonly [K in keyof T]: Awaited<T[K]> };
  } catch (error) {
    await scope.close().catch(() => undefined);
    await Promise.allSettled(starting);
    throw error;
  }
}

function findTraces(otlpEndpoint: ClusterOptions['otlpEndpoint'], options: Parameters<typeof startTraces>[0]): Promise<Traces> {
  if (otlpEndpoint === false) return Promise.resolve({ describe: 'not wanted', stop: () => Promise.resolve() });
  return startTraces({ ...options, ...(otlpEndpoint && { external: otlpEndpoint }) });
}

/** How a service is run by Node: with tracing before everything else. */
function serviceArguments(name: string): string[] {
  return ['--import', '@ballast/tracing/register', '--enable-source-maps', join(workspaceRoot(), 'apps', name, 'dist', 'src', 'main.js')];
}

/** Downloads are shared by all clusters of this workspace. */
function kafkaCache(): string {
  return join(workspaceRoot(), '.ballast', 'kafka');
}

function wantedPorts(manifests: readonly ServiceManifest[], port: (wanted: number) => number, brokers: string[] | undefined): WantedPort[] {
  return [
    { port: port(base.gateway), purpose: 'the gateway' },
    ...manifests.map((manifest) => ({ port: port(manifest.port), purpose: manifest.name })),
    { port: port(base.postgres), purpose: 'Postgres' },
    { port: port(base.replica), purpose: 'the Postgres replica' },
    ...(brokers?.length ? [] : [{ port: port(base.kafka), purpose: 'Kafka' }]),
  ];
}
