import { Database, type DatabaseConfig, type MigrationClass } from '@ballast/database';
import type { AnyDefinition, AnyEvent, WireRecord } from '@ballast/message';
import { eventually as soon, testBrokers, testDatabase, uniqueName } from '@ballast/testing';
import { type INestApplicationContext, Module, type Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { Intents, kafkaTransport, Messaging, MessagingModule, messagingMigrations, Outbox, type Transport } from '../src/index.js';

/** What handlers under test write: one row for each time a handler's effect was committed. */
export class Effect1760000000900 implements MigrationInterface {
  readonly name = 'Effect1760000000900';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY, name text NOT NULL, at timestamptz DEFAULT clock_timestamp())`,
    );
  }
  async down(): Promise<void> {}
}

export const migrations: MigrationClass[] = [...messagingMigrations, Effect1760000000900];

jest.setTimeout(120_000);

/** With time for a machine that has more to do than these tests. */
export const eventually: typeof soon = (assertion, options) => soon(assertion, { timeout: 45_000, ...options });

/** A name that can own message types and topics. */
export const serviceName = (prefix = 'shop'): string => uniqueName(prefix).replaceAll('_', '-');

export interface TestService {
  app: INestApplicationContext;
  database: Database;
  outbox: Outbox;
  intents: Intents;
  messaging: Messaging;
  /** The effects in order of writing. */
  effects(): Promise<string[]>;
  rows<T = Record<string, unknown>>(sql: string, parameters?: unknown[]): Promise<T[]>;
  stop(): Promise<void>;
}

export interface TestServiceOptions {
  name: string;
  definitions: readonly AnyDefinition[];
  consumes?: readonly AnyEvent[];
  providers?: Provider[];
  config: DatabaseConfig;
  transport?: Transport;
  instanceId?: string;
}

/** A service as in production, without HTTP. */
export async function startService(o: TestServiceOptions): Promise<TestService> {
  const database = await Database.open({ config: o.config, migrations });
  @Module({})
  class DatabaseUnderTest {}
  const transport = o.transport ?? newTransport();
  const messaging = MessagingModule.forRoot({
    service: o.name,
    definitions: o.definitions,
    consumes: o.consumes ?? [],
    transport,
    instanceId: o.instanceId ?? o.name,
  });
  const globals = { module: DatabaseUnderTest, global: true, providers: [{ provide: Database, useValue: database }], exports: [Database] };
  @Module({ imports: [globals, messaging], providers: o.providers ?? [] })
  class App {}
  let app: INestApplicationContext;
  try {
    app = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
  } catch (error) {
    await database.close();
    throw error;
  }
  await database.ready;
  return {
    app,
    database,
    outbox: app.get(Outbox),
    intents: app.get(Intents),
    messaging: app.get(Messaging),
    effects: async () => (await database.primary.query<{ name: string }[]>('SELECT name FROM effect ORDER BY id')).map((row) => row.name),
    rows: (sql, parameters) => database.primary.query(sql, parameters),
    async stop() {
      await app.close();
      await database.close();
    },
  };
}

/** As the relay does: again after what is not the record's fault. */
export const sendSurely = (transport: Transport, records: WireRecord[]): Promise<void> =>
  eventually(() => transport.send(records), { interval: 200 });

export const newTransport = (clientId = 'test'): Transport => kafkaTransport({ brokers: testBrokers(), clientId });

/** A fresh service database that goes away with the test file. */
export async function freshDatabase(): Promise<{ config: DatabaseConfig; drop(): Promise<void> }> {
  return testDatabase('messaging');
}

/** Undoes in reverse order, as `defer` would. */
export class Cleanup {
  private readonly work: (() => Promise<unknown>)[] = [];
  add(undo: () => Promise<unknown>): void {
    this.work.push(undo);
  }
  async run(): Promise<void> {
    for (const undo of this.work.splice(0).reverse()) await undo();
  }
}
