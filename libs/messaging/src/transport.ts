import type { WireRecord } from '@ballast/message';

/** A record as a consumer gets it. `offset` counts up within its partition. */
export type ReceivedRecord = WireRecord & { offset: string };

/** Consecutive records of one partition. Batches of one partition never overlap; those of several do. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly ReceivedRecord[];
  /** Records behind this batch that are still to come. */
  readonly lag: number;
  /** False when the partition was given to someone else, or the consumer stops: finish nothing more, commit nothing more. */
  readonly active: boolean;
  /** Keeps the membership alive; call it at least every second while working. Rejects when the group is rebalancing: let that out of `onBatch`. */
  heartbeat(): Promise<void>;
  /** Everything before `nextOffset` is done with and need not come again. Call it after the effect is committed, never before. */
  commit(nextOffset: string): Promise<void>;
}

export interface SubscribeOptions {
  /** Members of one group share the partitions. */
  group: string;
  topics: string[];
  /** What it leaves uncommitted, and everything after it, comes again. */
  onBatch(batch: Batch): Promise<void>;
}

export interface Subscription {
  /** Stops fetching and waits for the batches at work. */
  stop(): Promise<void>;
}

/** What carries records between services. At least once; in order within a partition; a key has one partition. */
export interface Transport {
  /** Creates the topics that are missing, each with its dead-letter topic. Waits for a broker as long as it takes, or until `close`. */
  connect(topics: string[]): Promise<void>;
  /**
   * Resolves when every record is safe with the broker. Rejects within a bounded time: with `RecordRefusedError` when a record can
   * never be taken, with `PartlySentError` when some are safe and the rest is worth another try, with anything else when all are. Some
   * records may have been taken even so.
   */
  send(records: WireRecord[]): Promise<void>;
  /** Joins the group once a broker is there, and again after every fault, until it is stopped. */
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  readonly connected: boolean;
  /** Whether all its subscriptions are members of their groups. A broker may answer while what comes from it is not read. */
  readonly consuming: boolean;
  /** False when what is sent is not taken, as far as is known: too few brokers are left that have a partition. A broker may answer all the same. */
  readonly writable: boolean;
  /** Resolves when a broker answers; also when the signal aborts. */
  whenConnected(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** The broker is there and says no, and will say so again: the record is too large, its topic does not exist, or it may not be written. */
export class RecordRefusedError extends Error {
  constructor(
    /** The broker's name for it, e.g. `MESSAGE_TOO_LARGE`. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`the broker refuses the record: ${reason}`, options);
    this.name = 'RecordRefusedError';
  }
}

/** No broker took the records in time. Worth another try. */
export class BrokerUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BrokerUnavailableError';
  }
}

/** Some of the records are safe with the broker, for good; the others are worth another try. */
export class PartlySentError extends BrokerUnavailableError {
  constructor(
    message: string,
    /** Which of the records are safe: their places in what was to be sent. At least one, and not all. */
    readonly sent: readonly number[],
  ) {
    super(message);
    this.name = 'PartlySentError';
  }
}
