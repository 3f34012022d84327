import type { Exit } from '@ballast/testing';
import type { Choice } from './carrier.js';
import { type Gateway, startGateway as openGateway } from './gateway.js';
import type { Ground } from './ground.js';
import { inspectorPort } from './inspector.js';
import { appFile, nodeArguments } from './node-arguments.js';
import { serviceEnvironment, type World } from './service-environment.js';
import { startSteps } from './steps.js';
import { SupervisedService } from './supervisor.js';
import { superviseTogether } from './together.js';

/** Services by name, and the processes they run in: as many, or one for all. */
export interface Supervised {
  readonly services: ReadonlyMap<string, SupervisedService>;
  readonly processes: readonly SupervisedService[];
}

export interface Watch {
  onChange: () => void;
  onRestart: (service: SupervisedService, exit: Exit) => void;
}

/** One supervisor per manifest, or, without Kafka, one for all; starts nothing yet. */
export function superviseServices(ground: Ground, choice: Choice, watch: Watch): Supervised {
  const { home, manifests, options, ports, secrets, portOf, urlOf } = ground;
  const world: World = {
    manifests,
    secrets,
    portOf,
    databaseHosts: [ports.postgres, ports.replica].map((port) => ({ host: '127.0.0.1', port })),
    ...(choice.kafka && { brokers: options.kafka?.brokers ?? [`127.0.0.1:${ports.kafka}`] }),
    bootstrapFile: home.bootstrap,
  };
  const members = manifests.map((manifest) => ({
    name: manifest.name,
    url: urlOf(manifest),
    env: { ...serviceEnvironment(manifest, world), ...options.env?.['*'], ...options.env?.[manifest.name] },
    logFile: home.logOf(manifest.name),
    inspector: options.inspect ? inspectorPort(portOf(manifest)) : undefined,
  }));
  if (!choice.kafka) return superviseTogether(members, { home, env: options.env?.['*'] ?? {}, watch });
  const processes = members.map(
    ({ inspector, ...member }) =>
      new SupervisedService({ ...member, args: nodeArguments(appFile(member.name, 'main'), inspector), ...watch }),
  );
  return { processes, services: new Map(processes.map((service) => [service.name, service])) };
}

/**
 * Starts every service and waits until all are ready. They start while the broker still does, for that is how they are made;
 * only then does the time run in which they must be ready.
 */
export function startServices(
  { progress, scope }: Ground,
  { services, processes }: Supervised,
  { otlpEndpoint, kafka }: { otlpEndpoint: string | undefined; kafka: Promise<unknown> },
): Promise<unknown> {
  const env: Record<string, string> = otlpEndpoint ? { OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint } : {};
  return progress.step(
    startSteps.services,
    async () => {
      await scope.own(
        () => Promise.all(processes.map((each) => each.start(env))),
        () => Promise.all(processes.map((each) => each.stop())),
      );
      await Promise.all(processes.map((each) => each.ready({ firstTime: true, after: kafka })));
    },
    () => [...services.keys()].join(', ') + (processes.length < services.size ? ', in one process' : ''),
  );
}

export function startGateway({ progress, scope, manifests, ports, urlOf }: Ground): Promise<Gateway> {
  const routes = manifests.flatMap((manifest) => manifest.routes.map((prefix) => ({ prefix, upstream: urlOf(manifest) })));
  return progress.step(
    startSteps.gateway,
    () =>
      scope.own(
        () => openGateway(routes, ports.gateway),
        (gateway) => gateway.close(),
      ),
    ({ url }) => url,
  );
}
