import { createLogger, inTelemetryScope, type TelemetryScope } from '@ballast/tracing';
import type { BaseConfig, Env } from './config.js';
import { ownPolicies } from './policy-metrics.js';
import { dieOfUncaught, readOrExit, startedOrExit, stopOn } from './process.js';
import type { ServiceApp } from './service-app.js';
import { type RunningService, startService } from './start-service.js';

/** One of several services of a process. */
export interface Roommate {
  readonly name: string;
  /** Imports its `app.ts`. */
  load(): Promise<ServiceApp>;
  /** What it would be told as a process of its own, with `TRANSPORT=memory`. */
  readonly env: Env;
  /** The file its log lines go to; standard output by default. */
  readonly logs?: string;
}

/**
 * Runs several services as this one process, with messages carried in its memory instead of Kafka: what `npm start` does where there is
 * none. Each has its own configuration, database, port, health, metrics, log and OpenTelemetry resource; signals and errors nobody
 * caught are the process's, as in `bootstrapService`, so one that fails ends all. A message is in its sender's outbox until every
 * reader has committed its effect: a restart loses nothing.
 */
export async function bootstrapTogether(roommates: readonly Roommate[]): Promise<readonly RunningService[]> {
  const { MemoryBroker, memoryTransport } = await import('@ballast/messaging');
  createLogger({ service: 'services' });
  dieOfUncaught();
  const members = [];
  for (const roommate of roommates) members.push(await moveIn(roommate));

  const broker = new MemoryBroker({ groups: members.filter(reads).map(({ config }) => config.manifest.name) });
  const starting = members.map(({ scope, app, config }) =>
    inTelemetryScope(scope, () => {
      createLogger({ service: scope.service, level: config.logLevel });
      const transport = config.manifest.messages.length > 0 && memoryTransport({ broker });
      return startedOrExit(startService(app.module, config, { ...app.parts, ...(transport && { transport }) }), config);
    }),
  );
  const all = Promise.all(starting);
  stopOn(all.then((services) => ({ close: () => Promise.all(services.map((service) => service.close())) })));
  return all;
}

interface Member {
  readonly scope: TelemetryScope;
  readonly app: ServiceApp;
  readonly config: BaseConfig;
}

/** One after the other: a policy declared while a service is loaded is that service's. */
async function moveIn({ name, load, env, logs }: Roommate): Promise<Member> {
  const app = await ownPolicies(name, load);
  const config = readOrExit(() => app.config(env));
  return { scope: { service: name, instance: config.instanceId, ...(logs && { logs }) }, app, config };
}

/** Whether a service subscribes to anything: to events, to commands of its own, or to the replies its sagas wait for. */
function reads({ app, config: { manifest } }: Member): boolean {
  const ownCommands = manifest.messages.some(({ kind, service }) => kind === 'command' && service === manifest.name);
  return manifest.consumes.length > 0 || ownCommands || app.parts?.sagas === true;
}
