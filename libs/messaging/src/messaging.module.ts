import { Database } from '@ballast/database';
import type { AnyCommand, AnyDefinition, AnyEventReader } from '@ballast/message';
import { type DynamicModule, Module } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, MetadataScanner } from '@nestjs/core';
import { v7 as uuidv7 } from 'uuid';
import { systemClock } from './clock.js';
import { DeadLetterOperations } from './dead-letter.operations.js';
import { SqlIntentStore } from './intent.store.js';
import { Intents, type Performing } from './intents.js';
import { Messaging } from './messaging.js';
import { Outbox } from './outbox.js';
import { OutboxOperations } from './outbox.operations.js';
import { sqlOutboxStore } from './outbox.store.js';
import { Replies } from './replies.js';
import type { MessagingRetention } from './retention.js';
import type { Transport } from './transport.js';
import { Wakeup } from './wakeup.js';

export interface MessagingOptions {
  /** Owner of `<service>.events`, `.commands` and `.replies`; also the consumer group. */
  service: string;
  transport: Transport;
  /** Every message of the system; this service's own commands are found in it. */
  definitions: readonly AnyDefinition[];
  /** The events this service wants. Each needs a handler, and each handled event must be here. */
  consumes: readonly AnyEventReader[];
  /** The commands it sends of which it reads less than the whole answer; see `readsReply`. */
  sends?: readonly AnyCommand[];
  /**
   * Unique among the replicas of the service and the same after a restart: a replica that crashed takes its own lease back at once.
   * Without it a restarted replica waits until the lease has run out, 15 s.
   */
  instanceId?: string;
  /** How long what is done with is kept, ms. Throws `RangeError` when the inbox would forget what a topic still holds. */
  retention?: Partial<MessagingRetention>;
}

/** Provides `Outbox`, `Intents`, `Replies` and `Messaging` to every module. Needs a global `Database` with `messagingMigrations`. */
@Module({})
export class MessagingModule {
  static forRoot(options: MessagingOptions): DynamicModule {
    const instanceId = options.instanceId ?? `${options.service}-${uuidv7()}`;
    const relayWakeup = new Wakeup();
    const performing = new Map<string, Performing>();
    const newId = () => uuidv7();
    const outbox = new Outbox({ service: options.service, store: sqlOutboxStore, clock: systemClock, newId, relay: relayWakeup });
    return {
      module: MessagingModule,
      global: true,
      imports: [DiscoveryModule],
      providers: [
        { provide: Replies, useValue: new Replies([...options.definitions, ...(options.sends ?? [])]) },
        { provide: Outbox, useValue: outbox },
        { provide: SqlIntentStore, inject: [Database], useFactory: (database: Database) => new SqlIntentStore(database, instanceId) },
        {
          provide: Intents,
          inject: [SqlIntentStore],
          useFactory: (store: SqlIntentStore) => new Intents({ store, newId, workers: performing }),
        },
        {
          provide: Messaging,
          inject: [Database, Intents, SqlIntentStore, Replies, DiscoveryService, MetadataScanner],
          useFactory: (
            database: Database,
            intents: Intents,
            intentStore: SqlIntentStore,
            replies: Replies,
            discovery: DiscoveryService,
            scanner: MetadataScanner,
          ) =>
            new Messaging({
              options: { ...options, instanceId },
              ...{ database, outbox, intents, intentStore, replies, relayWakeup, performing, newId, discovery, scanner },
            }),
        },
        {
          provide: DeadLetterOperations,
          inject: [Messaging],
          useFactory: (messaging: Messaging) => new DeadLetterOperations(() => messaging.handling()),
        },
        { provide: OutboxOperations, useValue: new OutboxOperations(relayWakeup) },
      ],
      exports: [Outbox, Intents, Replies, Messaging, DeadLetterOperations, OutboxOperations],
    };
  }
}
