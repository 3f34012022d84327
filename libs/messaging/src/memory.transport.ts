import type { WireRecord } from '@ballast/message';
import { systemClock } from './clock.js';
import { linked } from './linked.js';
import type { MemoryBroker } from './memory.broker.js';
import type { Entry } from './memory.partition.js';
import { MemorySubscription } from './memory.subscription.js';
import {
  BrokerUnavailableError,
  PartlySentError,
  RecordRefusedError,
  type SubscribeOptions,
  type Subscription,
  type Transport,
} from './transport.js';

export interface MemoryTransportOptions {
  /** The one broker of this process. */
  broker: MemoryBroker;
}

/** How long a send waits for its readers. What they have done by then is told; the rest is sent again and finds its place kept. */
const SEND_LIMIT = 1_000;
/** As with Kafka: a topic may be made a moment later. Both limits together are shorter than what the relay's lease leaves. */
const TOPIC_LIMIT = 5_000;
/** What a Kafka broker takes by default. */
const LARGEST_RECORD = 1_048_576;

/**
 * Carries records between services that share this process. `send` resolves when every group that reads them has committed their effects, so
 * that a sender's outbox keeps what a restart would lose; at least once, in order per key. Give each service one of its own.
 */
export function memoryTransport(options: MemoryTransportOptions): Transport {
  return new MemoryTransport(options.broker);
}

class MemoryTransport implements Transport {
  private readonly closing = new AbortController();
  private readonly subscriptions: MemorySubscription[] = [];
  private opened = false;

  constructor(private readonly broker: MemoryBroker) {}

  /** False until every group that is expected has subscribed. */
  get connected(): boolean {
    return this.opened && !this.closing.signal.aborted && this.broker.missing.length === 0;
  }

  get consuming(): boolean {
    return this.subscriptions.every((subscription) => subscription.joined);
  }

  get writable(): boolean {
    return this.connected;
  }

  async connect(topics: string[]): Promise<void> {
    this.opened = true;
    this.broker.createTopics(topics);
    await this.whenConnected();
  }

  async whenConnected(signal?: AbortSignal): Promise<void> {
    await this.until(() => this.connected, signal);
  }

  async send(records: WireRecord[]): Promise<void> {
    if (this.closing.signal.aborted) throw new BrokerUnavailableError('the transport is closed');
    if (!this.connected) await this.within(SEND_LIMIT, () => this.connected);
    if (!this.connected) throw new BrokerUnavailableError(`not everybody is here yet: ${this.broker.missing.join()}`);
    if (records.some(isTooLarge)) throw new RecordRefusedError('MESSAGE_TOO_LARGE');
    const known = () => records.every((record) => this.broker.partitionOf(record) !== undefined);
    if (!known()) await this.within(TOPIC_LIMIT, known);
    if (!known()) throw new RecordRefusedError('UNKNOWN_TOPIC_OR_PARTITION');
    const entries = records.map((record) => this.broker.partitionOf(record)!.put(record));
    this.broker.wake();
    await this.settled(entries);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    if (this.closing.signal.aborted) return { stop: async () => undefined };
    const subscription = new MemorySubscription(this.broker, options);
    this.subscriptions.push(subscription);
    return subscription;
  }

  async close(): Promise<void> {
    this.closing.abort();
    for (const subscription of this.subscriptions) subscription.abandon();
  }

  /** Until all are settled; else tells which are, and lets go of the others. */
  private async settled(entries: readonly Entry[]): Promise<void> {
    let open = entries.filter((entry) => !entry.settled).length;
    if (open === 0) return;
    const rest = linked(this.closing.signal);
    for (const entry of entries)
      if (!entry.settled)
        entry.onSettled = () => {
          if (--open === 0) rest.abort();
        };
    await systemClock.sleep(SEND_LIMIT, rest.signal);
    rest.dispose();
    if (open === 0) return;
    const late = entries.filter((entry) => !entry.settled);
    for (const entry of late) entry.partition.abandon(entry);
    const awaited = new Set(late.flatMap((entry) => entry.partition.awaited(entry)));
    const message = `${late.length} of ${entries.length} records are not handled yet by ${[...awaited].join()}`;
    if (late.length === entries.length) throw new BrokerUnavailableError(message);
    throw new PartlySentError(
      message,
      entries.flatMap((entry, place) => (entry.settled ? [place] : [])),
    );
  }

  private async within(ms: number, condition: () => boolean): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ms);
    await this.until(condition, late.signal);
    clearTimeout(timer);
  }

  /** Until the condition holds, the transport is closed, or the signal aborts. */
  private async until(condition: () => boolean, signal?: AbortSignal): Promise<void> {
    if (condition()) return;
    const ended = linked(this.closing.signal, signal);
    let forget!: () => void;
    await new Promise<void>((resolve) => {
      const look = () => {
        if (condition()) resolve();
      };
      forget = this.broker.watch(look);
      ended.signal.addEventListener('abort', () => resolve(), { once: true });
      if (ended.signal.aborted) resolve();
    });
    forget();
    ended.dispose();
  }
}

function isTooLarge({ key, value, headers }: WireRecord): boolean {
  const texts = [key, value, ...Object.entries(headers).flat()];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > LARGEST_RECORD;
}
