import { Database, sampleEvery } from '@ballast/database';
import { Replies } from '@ballast/messaging';
import { logger } from '@ballast/tracing';
import { type BeforeApplicationShutdown, Module, type DynamicModule, type OnModuleInit, Inject } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { archiving } from './archive.js';
import { SagaDeadlines } from './deadlines.js';
import type { AnySaga } from './definition.js';
import { beginMetrics, countSagas } from './metrics.js';
import { SagaOperations } from './operations.js';
import { type ResolvedSagaOptions, resolveOptions, SAGA_OPTIONS, type SagaOptions } from './options.js';
import { ParkedReplies } from './parked-replies.js';
import { PostgresParkedReplyStore } from './parked-store.js';
import { PostgresSagaStore } from './postgres-store.js';
import { SagaRegistry } from './registry.js';
import { SagaRuntime } from './runtime.js';
import { Sagas } from './sagas.js';
import { StepRunner } from './step-runner.js';

const marker = DiscoveryService.createDecorator<void>();

/** Marks a provider whose `definition` is a saga of this service. */
export const Saga = (): ClassDecorator => marker();

/**
 * Runs the sagas of the service's `@Saga()` providers. Refuses to boot when two have one name, or one has no definition.
 * Needs `DatabaseModule` with `sagaMigrations`, and `MessagingModule`.
 */
@Module({})
export class SagaModule implements OnModuleInit, BeforeApplicationShutdown {
  private stopCounting: () => void = () => undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly registry: SagaRegistry,
    private readonly runtime: SagaRuntime,
    private readonly replies: Replies,
    private readonly database: Database,
    @Inject(SAGA_OPTIONS) private readonly options: ResolvedSagaOptions,
  ) {}

  static forRoot(options: SagaOptions): DynamicModule {
    return {
      module: SagaModule,
      global: true,
      imports: [DiscoveryModule],
      providers: [
        { provide: SAGA_OPTIONS, useValue: resolveOptions(options) },
        ...[
          SagaRegistry,
          PostgresSagaStore,
          PostgresParkedReplyStore,
          StepRunner,
          SagaRuntime,
          SagaDeadlines,
          ParkedReplies,
          Sagas,
          SagaOperations,
        ],
      ],
      exports: [Sagas, SagaOperations],
    };
  }

  onModuleInit(): void {
    for (const { instance, name } of this.discovery.getProviders({ metadataKey: marker.KEY })) {
      const { definition } = instance as { definition?: AnySaga };
      if (!definition?.plan) throw new Error(`@Saga() ${String(name)} needs a property \`definition = saga<State>('name.v1')…\``);
      this.registry.add(definition, String(name));
    }
    // Without a saga the service does not join its replies topic.
    if (this.registry.names.length) this.replies.handle((reply, tx) => this.runtime.onReply(reply, tx));
    beginMetrics(this.registry.names);
    this.database.retention.add(archiving(this.options.keep));
    this.stopCounting = sampleEvery(this.database, () => countSagas(this.runtime.store, this.runtime.parked, this.registry.names));
    void this.database.ready.then(() => this.warnOfUnregistered()).catch(() => undefined);
  }

  beforeApplicationShutdown(): void {
    this.stopCounting();
  }

  private async warnOfUnregistered(): Promise<void> {
    for (const { definition, status, count } of await this.runtime.store.census())
      if (!this.registry.has(definition))
        logger().error(
          { definition, status, count },
          `unfinished sagas of ${definition}, which no @Saga() provider has: they rest until one does`,
        );
  }
}
