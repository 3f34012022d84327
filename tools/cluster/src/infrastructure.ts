import { join } from 'node:path';
import {
  createServiceDatabase,
  type RunningPostgres,
  startKafka as launchKafka,
  startPostgres as launchPostgres,
  workspaceRoot,
} from '@ballast/testing';
import { type Carrier, type Choice, inMemory, rememberingKafka } from './carrier.js';
import type { Ground } from './ground.js';
import { databasePasswords } from './service-environment.js';
import { startSteps } from './steps.js';
import { findTraces, type Traces } from './traces.js';

export function startKafka({ progress, scope, home, ports, options }: Ground, choosing: Promise<Choice>): Promise<Carrier> {
  // Downloads are shared by all clusters of this workspace.
  const cache = join(workspaceRoot(), '.ballast', 'kafka');
  return progress.step(
    startSteps.kafka,
    async (log) => {
      const choice = await choosing;
      if (!choice.kafka) return inMemory(choice.why);
      const { choose, brokers } = options.kafka ?? {};
      const wanted = { ...(choose && choose !== 'memory' && { choose }), ...(brokers && { brokers }) };
      return scope.own<Carrier>(
        (signal) => rememberingKafka(home, () => launchKafka({ directory: home.kafka, cache, port: ports.kafka, ...wanted, log, signal })),
        (kafka) => kafka.stop(),
      );
    },
    ({ describe }) => describe,
  );
}

export function startPostgres({ progress, scope, home, ports }: Ground): Promise<RunningPostgres> {
  return progress.step(
    startSteps.postgres,
    (log) =>
      scope.own(
        (signal) => launchPostgres({ directory: home.postgres, port: ports.postgres, replicaPort: ports.replica, log, signal }),
        (postgres) => postgres.stop(),
      ),
    ({ primary, replica }) => `primary :${primary.port}, streaming replica :${replica?.port}`,
  );
}

export function startTraces({ progress, scope, home, ports, options: { otlpEndpoint } }: Ground): Promise<Traces> {
  return progress.step(
    startSteps.traces,
    (say) =>
      scope.own(
        (signal) => findTraces({ home, otlpEndpoint, otlpPort: ports.otlp, uiPort: ports.traces, say, signal }),
        (traces) => traces.stop(),
      ),
    ({ describe }) => describe,
  );
}

/** A database and two roles for each service that has one. */
export async function createDatabases({ progress, manifests, secrets }: Ground, postgres: RunningPostgres): Promise<void> {
  const names = manifests.filter(({ database }) => database).map(({ name }) => name);
  await progress.step(
    startSteps.databases,
    () => Promise.all(names.map((name) => createServiceDatabase(postgres, name, databasePasswords(name, secrets)))),
    () => names.join(', '),
  );
}
