import { Database } from '@ballast/database';
import type { AnyDefinition, AnyEvent } from '@ballast/message';
import { kafkaTransport, Messaging, MessagingModule, Outbox, type Transport } from '@ballast/messaging';
import { type INestApplicationContext, Module, type Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Store } from './stage.js';

export interface BenchService {
  readonly app: INestApplicationContext;
  readonly database: Database;
  readonly outbox: Outbox;
  /** Records the broker has acknowledged since the start. */
  sent(): number;
  /** Meanwhile the relay of this process sends nothing, as when another replica has the lane. It is woken all the same. */
  withoutRelay<T>(work: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export interface BenchServiceOptions {
  name: string;
  /** Which of the service's replicas it is; by default the only one. */
  replica?: string;
  store: Pick<Store, 'database'>;
  definitions: readonly AnyDefinition[];
  consumes?: readonly AnyEvent[];
  providers?: Provider[];
  poolSize?: number;
  /** Told of each acknowledgement, for how many records it is. */
  onSent?: (records: number) => void;
}

/** Database and messaging as `bootstrapService` puts them together, without HTTP and without telemetry that goes anywhere. */
export async function startBenchService(
  { kafka: { brokers } }: { kafka: { brokers: string[] } },
  o: BenchServiceOptions,
): Promise<BenchService> {
  const database = await o.store.database(o.poolSize ?? 20);
  const kafka = kafkaTransport({ brokers, clientId: o.name });
  let sent = 0;
  const acknowledged = (records: number) => {
    sent += records;
    o.onSent?.(records);
  };
  let relaying = Promise.resolve();
  const counting: Transport = Object.create(kafka, {
    whenConnected: { value: (signal?: AbortSignal) => relaying.then(() => kafka.whenConnected.call(counting, signal)) },
    send: {
      value: (records: Parameters<Transport['send']>[0]) => kafka.send.call(counting, records).then(() => acknowledged(records.length)),
    },
  }) as Transport;
  @Module({})
  class DatabaseOfBench {}
  const messaging = MessagingModule.forRoot({
    ...{ service: o.name, definitions: o.definitions, consumes: o.consumes ?? [], transport: counting, instanceId: o.replica ?? o.name },
  });
  const globals = { module: DatabaseOfBench, global: true, providers: [{ provide: Database, useValue: database }], exports: [Database] };
  @Module({ imports: [globals, messaging], providers: o.providers ?? [] })
  class App {}
  const app = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
  return {
    ...{ app, database, outbox: app.get(Outbox), sent: () => sent },
    withoutRelay: async (work) => {
      let again!: () => void;
      relaying = new Promise((resolve) => (again = resolve));
      return work().finally(again);
    },
    stop: async () => {
      await app.get(Messaging).stop();
      await app.close();
      await database.close();
    },
  };
}
