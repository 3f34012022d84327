import type { ServiceManifest } from '@ballast/service/manifest';
import type { ClusterOptions } from './cluster.js';
import { dropHome, dropLogs, type Home, openHome } from './home.js';
import { inspectorPort } from './inspector.js';
import { readManifests } from './manifests.js';
import { requirePorts, type WantedPort } from './ports.js';
import { silentProgress, TimedProgress } from './progress.js';
import { claimRun, removeRun } from './run-file.js';
import type { Scope } from './scope.js';
import { Secrets } from './secrets.js';
import { type Accounts, ensureAccounts } from './seed.js';

const ports = { gateway: 8080, postgres: 5433, replica: 5434, kafka: 9092, otlp: 4318, traces: 16686 };

/** What every step of a start stands on. */
export interface Ground {
  readonly options: ClusterOptions;
  readonly scope: Scope;
  readonly progress: TimedProgress;
  readonly home: Home;
  readonly manifests: readonly ServiceManifest[];
  readonly ports: Readonly<typeof ports>;
  readonly secrets: Secrets;
  readonly accounts: Accounts;
  portOf(manifest: ServiceManifest): number;
  urlOf(manifest: ServiceManifest): string;
}

/** A killed starter's watchdogs need as long, at most, to stop what it left. */
const orphansStopWithin = 30_000;

/**
 * Takes the home, checks the ports, and makes what is made once. Starts nothing yet.
 *
 * @throws {ClusterError} when another starter runs in this home, a port is busy or a manifest is wrong
 */
export async function prepareGround(options: ClusterOptions, scope: Scope): Promise<Ground> {
  const offset = options.portOffset ?? 0;
  const home = openHome(options.home);
  const manifests = await readManifests();
  const portOf = (manifest: ServiceManifest) => manifest.port + offset;
  const shifted = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, port + offset])) as typeof ports;

  const { orphaned } = claimRun(home.run);
  await scope.own(
    () => Promise.resolve(),
    () => removeRun(home.run),
  );
  const wanted: WantedPort[] = [
    { port: shifted.gateway, purpose: 'the gateway' },
    ...manifests.map((manifest) => ({ port: portOf(manifest), purpose: manifest.name })),
    ...(options.inspect ? manifests : []).map((each) => ({ port: inspectorPort(portOf(each)), purpose: `the inspector of ${each.name}` })),
    { port: shifted.postgres, purpose: 'Postgres' },
    { port: shifted.replica, purpose: 'the Postgres replica' },
    ...(options.kafka?.brokers?.length || options.kafka?.choose === 'memory' ? [] : [{ port: shifted.kafka, purpose: 'Kafka' }]),
  ];
  await requirePorts(wanted, orphaned ? orphansStopWithin : 0);
  if (options.fresh) dropHome(home);
  dropLogs(home);
  return {
    options,
    scope,
    progress: new TimedProgress(options.progress ?? silentProgress),
    home,
    manifests,
    ports: shifted,
    secrets: new Secrets(home.secrets),
    accounts: ensureAccounts(home),
    portOf,
    urlOf: (manifest) => `http://127.0.0.1:${portOf(manifest)}`,
  };
}
