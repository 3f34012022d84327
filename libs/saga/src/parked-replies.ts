import { CommitUnknownError, Database, isTransient } from '@ballast/database';
import { logger, withContext } from '@ballast/tracing';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SAGA_OPTIONS, type ResolvedSagaOptions } from './options.js';
import { PostgresParkedReplyStore, type ParkedReply, type ParkedReplyStore } from './parked-store.js';
import { SagaRegistry } from './registry.js';
import { SagaRuntime } from './runtime.js';

/** Milliseconds between two looks: what a reply loses, at most, when it reaches a replica of the other version. */
const EVERY = 250;
const BATCH = 50;
/** How often one that fails by itself is tried. */
const ATTEMPTS = 3;

/**
 * Takes up replies that came to a replica which did not have the definition of their saga. While two versions of a service run side by
 * side they are one consumer group, so about half of the replies to a new definition's sagas come to the old version; and after
 * a roll-back all of them do, until the new one is there again.
 */
@Injectable()
export class ParkedReplies implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private running?: Promise<void>;
  private readonly failures = new Map<string, number>();

  constructor(
    @Inject(PostgresParkedReplyStore) private readonly store: ParkedReplyStore,
    private readonly runtime: SagaRuntime,
    private readonly registry: SagaRegistry,
    private readonly database: Database,
    @Inject(SAGA_OPTIONS) private readonly options: ResolvedSagaOptions,
  ) {}

  onApplicationBootstrap(): void {
    if (this.registry.names.length) this.running = withContext({}, () => this.run());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      if (this.database.available)
        await this.takeUp().catch((error: unknown) => logger().warn({ err: error }, 'parked replies could not be looked at'));
      await this.options.clock.sleep(EVERY, signal);
    }
  }

  private async takeUp(): Promise<void> {
    for (const parked of await this.store.waiting(this.registry.names, BATCH)) {
      if (this.stopping.signal.aborted) return;
      await withContext(parked.trace, () => this.take(parked));
    }
  }

  private async take(parked: ParkedReply): Promise<void> {
    try {
      await this.database.transaction((tx) => this.runtime.onParked(parked, tx));
    } catch (error) {
      // The next look tells whether it happened, and tries again.
      if (isTransient(error) || error instanceof CommitUnknownError) throw error;
      const failures = (this.failures.get(parked.id) ?? 0) + 1;
      this.failures.set(parked.id, failures);
      if (failures < ATTEMPTS) return;
      this.failures.delete(parked.id);
      logger().error(
        { err: error, sagaId: parked.sagaId },
        `a parked reply to ${parked.commandType} cannot be handled: as if it were lost`,
      );
      await this.store.refuse(parked.id, error instanceof Error ? error.name : 'Error');
    }
  }
}
