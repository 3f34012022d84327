import { join } from 'node:path';
import { type Exit, workspaceRoot } from '@ballast/testing';
import { type Gateway, startGateway as openGateway } from './gateway.js';
import type { Ground } from './ground.js';
import { inspectorPort } from './inspector.js';
import { serviceEnvironment, type World } from './service-environment.js';
import { startSteps } from './steps.js';
import { SupervisedService } from './supervisor.js';

/** One supervisor per manifest; starts none of them yet. */
export function superviseServices(
  ground: Ground,
  watch: { onChange: () => void; onRestart: (service: SupervisedService, exit: Exit) => void },
): Map<string, SupervisedService> {
  const { home, manifests, options, ports, secrets, portOf, urlOf } = ground;
  const world: World = {
    manifests,
    secrets,
    portOf,
    databaseHosts: [ports.postgres, ports.replica].map((port) => ({ host: '127.0.0.1', port })),
    brokers: options.kafka?.brokers ?? [`127.0.0.1:${ports.kafka}`],
    bootstrapFile: home.bootstrap,
  };
  return new Map(
    manifests.map((manifest) => {
      const { name } = manifest;
      const env = { ...serviceEnvironment(manifest, world), ...options.env?.['*'], ...options.env?.[name] };
      return [
        name,
        new SupervisedService({
          name,
          url: urlOf(manifest),
          args: argumentsOf(name, options.inspect ? inspectorPort(portOf(manifest)) : undefined),
          env,
          logFile: home.logOf(name),
          ...watch,
        }),
      ];
    }),
  );
}

/**
 * Starts every service and waits until all are ready. They start while the broker still does, for that is how they are made;
 * only then does the time run in which they must be ready.
 */
export function startServices(
  { progress, scope }: Ground,
  services: ReadonlyMap<string, SupervisedService>,
  { otlpEndpoint, kafka }: { otlpEndpoint: string | undefined; kafka: Promise<unknown> },
): Promise<unknown> {
  const all = [...services.values()];
  const env: Record<string, string> = otlpEndpoint ? { OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint } : {};
  return progress.step(
    startSteps.services,
    async () => {
      await scope.own(
        () => Promise.all(all.map((service) => service.start(env))),
        () => Promise.all(all.map((service) => service.stop())),
      );
      await Promise.all(all.map((service) => service.ready({ firstTime: true, after: kafka })));
    },
    () => all.map(({ name }) => name).join(', '),
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

/** How Node runs a service: with tracing before everything else. */
function argumentsOf(name: string, inspector: number | undefined): string[] {
  const main = join(workspaceRoot(), 'apps', name, 'dist', 'src', 'main.js');
  // Its address is announced by HTTP alone: in the log it would stand between an error and its cause.
  const inspect = inspector === undefined ? [] : [`--inspect=127.0.0.1:${inspector}`, '--inspect-publish-uid=http'];
  return [...inspect, '--import', '@ballast/tracing/register', '--enable-source-maps', main];
}
