import type { Database } from '@ballast/database';
import { repliesTopic, type AnyCommand } from '@ballast/message';
import { bindTelemetryScope, logger } from '@ballast/tracing';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { setCause } from './cause.js';
import { systemClock } from './clock.js';
import { DeadLetters } from './dead-letters.js';
import type { DeadLetterHandling } from './dead-letter.operations.js';
import { discover } from './discovery.js';
import { Effects, type EffectsSettings } from './effects.js';
import { Inbox } from './inbox.js';
import { sqlInboxStore } from './inbox.store.js';
import type { IntentStore } from './intent.store.js';
import { IntentWorker } from './intent.worker.js';
import type { Intents, Performing } from './intents.js';
import { beginMetrics } from './metrics.js';
import { SqlLaneStore } from './lanes.js';
import type { MessagingOptions } from './messaging.module.js';
import type { Outbox } from './outbox.js';
import { SqlRelayStore } from './relay.store.js';
import { Relays } from './relays.js';
import { ReplicaWakeup } from './replica-wakeup.js';
import type { Replies } from './replies.js';
import { ReplyWriter } from './reply-writer.js';
import { resolveRetention, rulesOf } from './retention.js';
import { Sampler } from './sampler.js';
import { untraced } from './spans.js';
import type { Subscription } from './transport.js';
import { within } from './within.js';
import { Wakeup } from './wakeup.js';
import { checkResult, checkWiring, routerOf, type Found } from './wiring.js';

export interface MessagingParts {
  options: MessagingOptions & { instanceId: string };
  database: Database;
  outbox: Outbox;
  intents: Intents;
  intentStore: IntentStore;
  replies: Replies;
  relayWakeup: Wakeup;
  /** Filled here. */
  performing: Map<string, Performing>;
  newId: () => string;
  discovery: DiscoveryService;
  scanner: MetadataScanner;
}

/** How long a stop waits for the outbox to drain; what is left is sent after the next start. */
const DRAIN_LIMIT = 3_000;
/** For all of a stop together, ms: with what the HTTP side took before it, less than a process is given (see `process.ts` of the service library). */
const STOP_LIMIT = 10_000;

/**
 * A service's messaging at work. Checks the wiring when the application starts, begins when the database is ready, and stops in the order
 * that loses nothing: consumers, intents, relay (what they have just written is sent), transport.
 */
export class Messaging implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private readonly relayStopping = new AbortController();
  private readonly relay: Relays;
  private readonly sampler: Sampler;
  private found!: Found;
  private workers: IntentWorker[] = [];
  private subscription?: Subscription;
  private subscribing?: Promise<void>;
  private loops: Promise<void>[] = [];
  private relayLoop?: Promise<void>;
  private stopped?: Promise<void>;

  constructor(private readonly parts: MessagingParts) {
    const { database, options, relayWakeup } = parts;
    const lanes = new SqlLaneStore(database);
    const { transport, instanceId: owner } = options;
    const { wakeup } = relayWakeup.follower();
    this.relay = new Relays({
      ...{ lanes, clock: systemClock, transport, owner, wakeup },
      replicas: new ReplicaWakeup({ database, clock: systemClock, owner, committed: relayWakeup, relays: wakeup }),
      storeOf: (view) => new SqlRelayStore(database, view),
    });
    this.sampler = new Sampler(database, new SqlRelayStore(database), parts.intentStore, systemClock, lanes);
    database.retention.add(...rulesOf(resolveRetention(options.retention)));
  }

  /** Whether the broker answers: for the `degraded` part of readiness. */
  get connected(): boolean {
    return this.parts.options.transport.connected;
  }

  onApplicationBootstrap(): void {
    const { options, discovery, scanner, database } = this.parts;
    this.found = discover(discovery, scanner);
    checkWiring(options, this.found);
    this.workers = this.found.performers.map((performer) => this.workerOf(performer));
    const handles = this.found.handlers.map(({ definition }) => definition);
    beginMetrics({ writes: this.written(), reads: this.topics().subscribed, handles });
    database.ready.then(
      () => untraced(() => this.start()),
      (error: unknown) => logger().error({ reason: (error as Error).message }, 'messaging does not start: the database is not ready'),
    );
  }

  /** Before, so that the database, which closes in `onApplicationShutdown`, is still there. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /** Bounded; may be called more than once. Call it when no request is at work any more, and before the database is closed. */
  stop(): Promise<void> {
    this.stopped ??= this.stopInOrder();
    return this.stopped;
  }

  private start(): void {
    const { signal } = this.stopping;
    if (signal.aborted) return;
    const { transport } = this.parts.options;
    const topics = this.topics();
    transport
      .connect([...topics.subscribed, ...topics.others])
      .catch((error: unknown) => logger().error({ reason: (error as Error).message }, 'the transport gave up connecting'));
    this.relayLoop = this.relay.run(this.relayStopping.signal);
    this.loops = [...this.workers.map((worker) => worker.run(signal)), this.sampler.run(signal)];
    if (!topics.subscribed.length) return;
    this.subscribing = this.subscribe(topics.subscribed).catch((error: unknown) =>
      logger().error({ reason: (error as Error).message }, 'messages are not read: the transport refuses the subscription'),
    );
  }

  private async subscribe(topics: string[]): Promise<void> {
    const { options, database, replies } = this.parts;
    const router = routerOf(this.found.handlers, replies);
    const inbox = new Inbox({ ...this.effectsSettings(), router, database, clock: systemClock });
    const subscription = await options.transport.subscribe({
      group: options.service,
      topics,
      // A broker in this process calls from wherever the message was sent.
      onBatch: bindTelemetryScope((batch) => untraced(() => inbox.onBatch(batch))),
    });
    if (this.stopping.signal.aborted) await subscription.stop();
    else this.subscription = subscription;
  }

  /** What a replay needs to handle a message as the inbox would. */
  handling(): DeadLetterHandling {
    const router = routerOf(this.found.handlers, this.parts.replies);
    return { router, effects: new Effects(this.effectsSettings()), inbox: sqlInboxStore };
  }

  private effectsSettings(): EffectsSettings {
    const { options, outbox, intents } = this.parts;
    const replies = this.replyWriter();
    const deadLetters = new DeadLetters({ store: sqlInboxStore, outbox, replies, service: options.service });
    return { group: options.service, store: sqlInboxStore, deadLetters, replies, intents, setCause };
  }

  private async stopInOrder(): Promise<void> {
    const { transport } = this.parts.options;
    const late = (what: string) => () => new Error(`${what} took too long to stop`);
    const end = Date.now() + STOP_LIMIT;
    const patiently = async (what: string, work: Promise<unknown>) => {
      await within(Math.max(0, end - Date.now()), work, late(what)).catch((error: unknown) =>
        logger().warn({ reason: (error as Error).message }, 'stopping'),
      );
    };
    this.stopping.abort();
    if (this.subscription) await patiently('the consumer', this.subscription.stop());
    await patiently('the intents', Promise.all([...this.loops, ...this.workers.map((worker) => worker.close())]));
    this.relayStopping.abort();
    await patiently('the relay', Promise.resolve(this.relayLoop));
    await patiently('the outbox', this.relay.close(DRAIN_LIMIT));
    await patiently('the transport', transport.close());
    // One that was still to be had is stopped as soon as it is there; closing the transport ends the wait for it.
    await patiently('the consumer', Promise.resolve(this.subscribing));
  }

  private workerOf(performer: Found['performers'][number]): IntentWorker {
    const { options, database, intentStore, performing } = this.parts;
    const commands = new Map(options.definitions.flatMap((d) => (d.kind === 'command' ? [[d.type, d as AnyCommand]] : [])));
    const worker = new IntentWorker({
      performer,
      store: intentStore,
      inbox: sqlInboxStore,
      database,
      replies: this.replyWriter(),
      checkReply: (type, result) => checkResult(commands.get(type)!, result),
      clock: systemClock,
      random: Math.random,
      wakeup: new Wakeup(),
    });
    performing.set(worker.kind, worker);
    return worker;
  }

  /** The topics of its own events. Whom else it writes to is not known before it does. */
  private written(): string[] {
    const { service, definitions } = this.parts.options;
    return [...new Set(definitions.flatMap((d) => (d.kind === 'event' && d.service === service ? [d.topic] : [])))];
  }

  private replyWriter(): ReplyWriter {
    const { options, outbox, newId } = this.parts;
    return new ReplyWriter({ service: options.service, outbox, clock: systemClock, newId });
  }

  /** What this service reads, and what it may write to: a command goes to a topic whose owner may not have started yet. */
  private topics(): { subscribed: string[]; others: string[] } {
    const { options, replies } = this.parts;
    const { service, definitions, consumes } = options;
    const commands = definitions.filter((d) => d.kind === 'command' && d.service === service);
    const subscribed = new Set([...consumes, ...commands].map((d) => d.topic));
    if (replies.listener) subscribed.add(repliesTopic(service));
    return { subscribed: [...subscribed], others: [...new Set(definitions.map((d) => d.topic))].filter((t) => !subscribed.has(t)) };
  }
}
