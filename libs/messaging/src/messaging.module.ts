import type { DynamicModule } from '@nestjs/common';
import type { AnyDefinition, AnyEvent } from '@ballast/message';
import { Intents } from './intents.js';
import { Outbox } from './outbox.js';
import { Replies } from './replies.js';
import type { Transport } from './transport.js';

export interface MessagingOptions {
  /** Owner of `<service>.events`, `.commands` and `.replies`; also the consumer group. */
  service: string;
  transport: Transport;
  /** Every message of the system; this service's own commands are found in it. */
  definitions: readonly AnyDefinition[];
  /** The events this service wants. Each needs a handler, and each handled event must be here. */
  consumes: readonly AnyEvent[];
  /** The same over restarts of one replica, and different between replicas: it takes its own lease back at once. Default: random. */
  instanceId?: string;
}

export class MessagingModule {
  static forRoot(options: MessagingOptions): DynamicModule {
    void options;
    return { module: MessagingModule, global: true, providers: [], exports: [Outbox, Intents, Replies] };
  }
}
