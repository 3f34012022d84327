import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError, type Home } from '@ballast/cluster';
import { workspaceRoot } from '@ballast/testing';

/** One file and what writes to it. */
export interface LogFile {
  source: string;
  path: string;
}

const infrastructure: Record<string, (home: Home) => string[]> = {
  kafka: (home) => [join(home.kafka, 'kafka.log')],
  postgres: (home) => ['a', 'b'].map((node) => join(postgresHome(home), `postgres-${node}.log`)),
  jaeger: (home) => [home.logOf('jaeger')],
  // Without Kafka: what the process all services share says before it is one of theirs.
  services: (home) => [home.logOf('services')],
};

/**
 * The names somebody asked for, `all` being every service.
 *
 * @throws {ClusterError} for a name that is none, with those there are
 */
export function logNames(asked: readonly string[], services: readonly string[] = serviceNames()): string[] {
  const known = [...services, ...Object.keys(infrastructure)];
  const unknown = asked.find((name) => name !== 'all' && !known.includes(name));
  if (unknown !== undefined) throw new ClusterError(`There is no "${unknown}": one of ${known.join(', ')}, or all (every service)`);
  return [...new Set(asked.flatMap((name) => (name === 'all' ? [...services, 'services'] : [name])))];
}

/** The files behind names; they need not be there yet. */
export function logFiles(names: readonly string[], home: Home): LogFile[] {
  return names.flatMap((source) => (infrastructure[source]?.(home) ?? [home.logOf(source)]).map((path) => ({ source, path })));
}

/** By their folders: a service whose code does not compile has logs all the same. */
export function serviceNames(root = workspaceRoot()): string[] {
  return readdirSync(join(root, 'apps'))
    .filter((folder) => existsSync(join(root, 'apps', folder, 'service.ts')))
    .sort();
}

/** Postgres, when root starts it, keeps its files where its own user can reach them. */
function postgresHome({ postgres }: Home): string {
  const location = join(postgres, 'location');
  return existsSync(location) ? readFileSync(location, 'utf8').trim() : postgres;
}
