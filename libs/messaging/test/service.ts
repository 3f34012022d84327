import { Database, type DatabaseConfig, type MigrationClass } from '@ballast/database';
import type { AnyDefinition, AnyEvent } from '@ballast/message';
import { type INestApplicationContext, Module, type Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { Intents, Messaging, MessagingModule, messagingMigrations, Outbox, type Transport } from '../src/index.js';

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

export interface TestService {
  app: INestApplicationContext;
  database: Database;
  outbox: Outbox;
  intents: Intents;
  messaging: Messaging;
  /** The effects in order of writing. */
  effects(): Promise<string[]>;
  rows<T = Record<string, unknown>>(sql: string, parameters?: unknown[]): Promise<T[]>;
  /** May be called twice. */
  stop(): Promise<void>;
}

export interface TestServiceOptions {
  name: string;
  definitions: readonly AnyDefinition[];
  consumes?: readonly AnyEvent[];
  providers?: Provider[];
  config: DatabaseConfig;
  transport: Transport;
  instanceId?: string;
}

/** A service as in production, without HTTP. */
export async function startService(o: TestServiceOptions): Promise<TestService> {
  const database = await Database.open({ config: o.config, migrations });
  @Module({})
  class DatabaseUnderTest {}
  const messaging = MessagingModule.forRoot({
    service: o.name,
    definitions: o.definitions,
    consumes: o.consumes ?? [],
    transport: o.transport,
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
  let stopped: Promise<void> | undefined;
  return {
    app,
    database,
    outbox: app.get(Outbox),
    intents: app.get(Intents),
    messaging: app.get(Messaging),
    effects: async () => (await database.primary.query<{ name: string }[]>('SELECT name FROM effect ORDER BY id')).map((row) => row.name),
    rows: (sql, parameters) => database.primary.query(sql, parameters),
    stop: () =>
      (stopped ??= (async () => {
        await app.close();
        await database.close();
      })()),
  };
}
