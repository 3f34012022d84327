import { type DatabaseConfig, DatabaseModule, type MigrationClass } from '@ballast/database';
import { type DynamicModule, Module, type Provider, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, DiscoveryModule } from '@nestjs/core';
import type { Transport } from '@ballast/messaging';
import type { EntityTarget, ObjectLiteral } from 'typeorm';
import { AnswerInterceptor } from './answer.js';
import { AuthGuard } from './auth.guard.js';
import type { BaseConfig } from './config.js';
import { EventStreams } from './event-streams.js';
import { Idempotency } from './idempotency.js';
import { serviceMigrations } from './migrations.js';
import { Audit } from './ops/audit.js';
import { AuditController } from './ops/audit.controller.js';
import { OpsWiring } from './ops/ops-wiring.js';
import { ProblemFilter } from './problem.filter.js';
import { RateLimiter } from './rate-limit.js';
import { Routes } from './routes.js';
import { Startup } from './startup.js';
import { TokenKeys } from './token-keys.js';
import { CONFIG } from './tokens.js';
import { validationPipe } from './validation.js';

export interface ServiceParts {
  /** TypeORM entities of this service. */
  entities?: readonly EntityTarget<ObjectLiteral>[];
  migrations?: readonly MigrationClass[];
  /** Whether it runs sagas. */
  sagas?: boolean;
  /** Instead of Kafka, for tests and for the memory transport. It is closed with the service. */
  transport?: Transport;
}

const providers: Provider[] = [
  RateLimiter,
  Routes,
  TokenKeys,
  Idempotency,
  Startup,
  EventStreams,
  Audit,
  OpsWiring,
  { provide: APP_GUARD, useClass: AuthGuard },
  { provide: APP_PIPE, useFactory: validationPipe },
  { provide: APP_FILTER, useClass: ProblemFilter },
  { provide: APP_INTERCEPTOR, useClass: AnswerInterceptor },
];

@Module({})
class PlatformModule {}

/** What an operator may ask of a service. One without messages has nothing to operate: psp takes no access tokens at all. */
@Module({})
class OperationsModule {}

/** The application's module with all that the platform puts around it. */
@Module({})
export class ServiceModule {
  static async forRoot(app: Type, config: BaseConfig, parts: ServiceParts): Promise<{ module: DynamicModule; transport?: Transport }> {
    const messaging = config.kafka || parts.transport ? await messagingParts(config, parts) : undefined;
    const imports: DynamicModule[] = [
      {
        module: PlatformModule,
        global: true,
        imports: [DiscoveryModule],
        providers: [{ provide: CONFIG, useValue: config }, ...providers],
        exports: [CONFIG, TokenKeys, Idempotency, RateLimiter, Startup, EventStreams, Audit],
      },
    ];
    if (config.database) imports.push(databaseModule(config.database, parts, messaging));
    if (messaging)
      imports.push(...messaging.modules, { module: OperationsModule, controllers: [AuditController, ...messaging.controllers] });
    return {
      module: { module: ServiceModule, imports: [...imports, app] },
      ...(messaging && { transport: messaging.transport }),
    };
  }
}

type MessagingParts = Awaited<ReturnType<typeof messagingParts>>;

function databaseModule(config: DatabaseConfig, parts: ServiceParts, messaging: MessagingParts | undefined): DynamicModule {
  return DatabaseModule.forRoot({
    config,
    entities: [...(parts.entities ?? []), ...(messaging?.entities ?? [])] as never,
    migrations: [...serviceMigrations, ...(messaging?.migrations ?? []), ...(parts.migrations ?? [])],
  });
}

/** Loaded only by a service that speaks messages: the Kafka client is a large part of a small service's memory. */
async function messagingParts(config: BaseConfig, parts: ServiceParts) {
  const { MessagingModule, messagingMigrations, kafkaTransport } = await import('@ballast/messaging');
  const { DeadLettersController } = await import('./ops/dead-letters.controller.js');
  const { LagController, OutboxController } = await import('./ops/outbox.controller.js');
  const { manifest, instanceId } = config;
  const transport =
    parts.transport ??
    kafkaTransport({
      brokers: [...config.kafka!.brokers],
      ...(config.kafka!.client && { client: config.kafka!.client }),
      ...(config.kafka!.replicationFactor && { replicationFactor: config.kafka!.replicationFactor }),
      clientId: instanceId,
      ...(config.retention && { retention: config.retention.topic }),
    });
  const modules = [
    MessagingModule.forRoot({
      service: manifest.name,
      transport,
      definitions: [...manifest.messages],
      consumes: [...manifest.consumes],
      sends: [...manifest.sends],
      instanceId,
      ...(config.retention && { retention: config.retention }),
    }),
  ];
  const migrations: MigrationClass[] = [...messagingMigrations];
  const controllers: Type[] = [DeadLettersController, OutboxController, LagController];
  if (parts.sagas) {
    const { SagaModule, sagaMigrations } = await import('@ballast/saga');
    controllers.push((await import('./ops/sagas.controller.js')).SagasController);
    modules.push(SagaModule.forRoot({ service: manifest.name, transport, ...(config.retention && { keep: config.retention.saga }) }));
    migrations.push(...sagaMigrations);
  }
  return { transport, modules, controllers, migrations, entities: [] as EntityTarget<ObjectLiteral>[] };
}
