import { PARTITIONS, type WireRecord } from '@ballast/message';
import type { Batch, ReceivedRecord, Transport } from '../../src/index.js';
import { Cleanup, eventually, sendSurely, serviceName } from '../harness.js';
import type { TransportSetup } from './conformance.js';

export { gate } from '../scripted-transport.js';

export type Received = ReceivedRecord & { partition: number };

export interface Reader {
  /** In order of arrival, what came again included. */
  readonly received: Received[];
  /** The values of all keys or of one, in order of their first arrival. A send that was tried again may have brought some twice. */
  values(key?: string): string[];
  /** How often a value was handed over that was sent once, or the first of those that were sent more often. */
  turns(value: string): number;
  readonly transport: Transport;
  /** Leaves its group. */
  stop(): Promise<void>;
}

export const record = (topic: string, key: string, value = '{}', headers: Record<string, string> = {}): WireRecord => ({
  topic,
  key,
  value,
  headers,
});

/** Enough keys that each of the twelve partitions has some. */
export const KEYS = Array.from({ length: PARTITIONS * 10 }, (_, i) => `key-${i}`);

/** The offset that says: the whole batch is done. */
export const endOf = ({ records }: Batch): string => String(BigInt(records.at(-1)!.offset) + 1n);

/** The batch, except for what a test does differently. */
export const altered = (batch: Batch, changes: Partial<Pick<Batch, 'commit' | 'heartbeat'>>): Batch => ({
  topic: batch.topic,
  partition: batch.partition,
  records: batch.records,
  lag: batch.lag,
  get active() {
    return batch.active;
  },
  heartbeat: () => batch.heartbeat(),
  commit: (next) => batch.commit(next),
  ...changes,
});

/** Clients, topics and readers of one test; all of them go away with it. */
export class Fixture {
  readonly cleanup = new Cleanup();
  private ending = new AbortController();

  constructor(readonly setup: TransportSetup) {}

  async end(): Promise<void> {
    this.ending.abort();
    await this.cleanup.run();
    this.ending = new AbortController();
  }

  newTopic(): string {
    return `${serviceName()}.events`;
  }

  newGroup(): string {
    return serviceName('group');
  }

  /** A connected client that knows the topics. */
  async connect(...topics: string[]): Promise<Transport> {
    const transport = this.setup.open('client');
    this.cleanup.add(() => transport.close());
    await transport.connect(topics);
    return transport;
  }

  /** Subscribes with a client of its own and notes what comes. Unless `onBatch` says otherwise, each batch is committed as a whole. */
  async read(group: string, topics: string[], onBatch?: (batch: Batch) => Promise<void>): Promise<Reader> {
    const transport = await this.connect(...topics.filter((topic) => !topic.endsWith('.dlq')));
    const received: Received[] = [];
    const subscription = await transport.subscribe({
      group,
      topics,
      onBatch: async (batch) => {
        if (!batch.active) return;
        received.push(...batch.records.map((r) => ({ ...r, partition: batch.partition })));
        await (onBatch ? onBatch(batch) : batch.commit(endOf(batch)));
      },
    });
    let stopped: Promise<void> | undefined;
    const stop = () => (stopped ??= subscription.stop());
    this.cleanup.add(stop);
    await eventually(() => expect(transport.consuming).toBe(true));
    return {
      received,
      values: (key) => {
        const wanted = received.filter((r) => key === undefined || r.key === key);
        return [...new Map(wanted.map((r) => [`${r.topic} ${r.key} ${r.value}`, r.value])).values()];
      },
      turns: (value) => {
        const [first] = received.filter((r) => r.value === value);
        return received.filter((r) => r.value === value && r.partition === first?.partition && r.offset === first.offset).length;
      },
      transport,
      stop,
    };
  }

  /**
   * As the relay does: again after what is not the record's fault. A transport may hold a send back until what it carries has been
   * handled, so a test that handles it later must not wait for it before.
   */
  send(transport: Transport, records: WireRecord[]): Promise<void> {
    return sendSurely(transport, records, this.ending.signal);
  }
}
