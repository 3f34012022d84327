import { connect } from 'node:net';
import type { RunFile } from '@ballast/cluster';
import { memory } from './status-memory.js';
import { type Login, type PostgresStatus, postgresStatus } from './status-postgres.js';
import { type ServiceStatus, serviceStatus } from './status-service.js';

export interface StatusReport {
  pid: number;
  gateway: { url: string; up: boolean; memoryBytes?: number };
  services: ServiceStatus[];
  kafka?: { brokers: { address: string; up: boolean }[]; pid?: number; memoryBytes?: number };
  postgres: PostgresStatus[];
  /** PSS of all that was started here. */
  memoryBytes?: number;
  /** What is down or not ready, one line each; empty: all is well. */
  trouble: string[];
}

/** Asks everything that runs how it is. */
export async function statusReport(run: RunFile & { gateway: string }, login: Login | undefined): Promise<StatusReport> {
  const [gatewayUp, services, brokers, postgres] = await Promise.all([
    answers(run.gateway),
    Promise.all(Object.entries(run.services).map(([name, service]) => serviceStatus(name, service))),
    Promise.all((run.kafka?.brokers ?? []).map(async (address) => ({ address, up: await accepts(address) }))),
    login ? postgresStatus(run.postgres?.nodes ?? [], login) : [],
  ]);
  const own = memory(run.pid);
  const all = memory(run.pid, { family: true });
  const kafkaMemory = run.kafka?.pid === undefined ? undefined : memory(run.kafka.pid, { family: true });
  const report = {
    pid: run.pid,
    gateway: { url: run.gateway, up: gatewayUp, ...(own !== undefined && { memoryBytes: own }) },
    services,
    ...(run.kafka && {
      kafka: {
        brokers,
        ...(run.kafka.pid !== undefined && { pid: run.kafka.pid }),
        ...(kafkaMemory !== undefined && { memoryBytes: kafkaMemory }),
      },
    }),
    postgres,
    ...(all !== undefined && { memoryBytes: all }),
  };
  return { ...report, trouble: troubleIn(report) };
}

/** What is down or not ready. A degraded service takes requests: what it lacks is in its row, and down in a row of its own. */
export function troubleIn({ gateway, services, kafka, postgres }: Omit<StatusReport, 'trouble'>): string[] {
  return [
    ...(gateway.up ? [] : [`the gateway does not answer at ${gateway.url}`]),
    ...services
      .filter(({ health }) => health !== 'ok' && health !== 'degraded')
      .map(({ name, health }) => `${name} is ${health}: npm run logs -- ${name}`),
    ...(kafka?.brokers ?? []).filter(({ up }) => !up).map(({ address }) => `Kafka is down at ${address}: npm run logs -- kafka`),
    ...postgres
      .filter(({ role }) => role === 'down')
      .map(({ name, port }) => `Postgres ${name} is down at :${port}: npm run logs -- postgres`),
    ...(postgres.length > 0 && !postgres.some(({ role }) => role === 'primary') ? ['Postgres has no primary'] : []),
  ];
}

async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(3_000) }).then(
    () => true,
    () => false,
  );
}

function accepts(address: string): Promise<boolean> {
  const [host, port] = address.split(/:(?=\d+$)/);
  return new Promise((resolve) => {
    const socket = connect({ host: host!, port: Number(port), timeout: 3_000 });
    const done = (up: boolean) => {
      socket.destroy();
      resolve(up);
    };
    socket
      .once('connect', () => done(true))
      .once('error', () => done(false))
      .once('timeout', () => done(false));
  });
}
