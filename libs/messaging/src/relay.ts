import type { WireRecord } from '@ballast/message';
import { backoff, failpoint } from '@ballast/resilience';
import { logger } from '@ballast/tracing';
import type { Clock } from './clock.js';
import { metrics } from './metrics.js';
import type { PendingRecord, RelayStore } from './relay.store.js';
import { startSending } from './spans.js';
import { PartlySentError, RecordRefusedError, type Transport } from './transport.js';
import { Trouble } from './trouble.js';
import type { Wakeup } from './wakeup.js';

export interface RelaySettings {
  store: RelayStore;
  transport: Transport;
  clock: Clock;
  /** Unique among the replicas of the service, the same after a restart. */
  owner: string;
  wakeup: Wakeup;
  /** Counted from 0; the first by default. */
  lane?: number;
  /** Owners whose leases need not be waited for. */
  gone?: () => readonly string[];
}

/**
 * Long against a send (see the transport's bound), so that an owner at work does not outlive it; a commit every few seconds renews it. Waited for only
 * when an owner stands still or cannot be reached: of one that died the others hear at once (`Relays`).
 */
export const LEASE = 15_000;
const RENEW_BEFORE = 9_000;
/** A wake comes at once from this process, and soon from another replica; the poll is for one that is lost. */
export const POLL = 250;
const STANDBY = 1_000;
/** Records of one send: enough that a request to a broker is cheap, few enough that one failure repeats little. */
export const BATCH = 1_000;
/** A broker's limit counts a whole record batch, 1 MB by default: this much in all can be too much for no partition. */
const BATCH_BYTES = 900_000;
/** CloudEvents headers, trace context and Kafka's own framing, per record. */
const OVERHEAD_BYTES = 700;
/**
 * How long a record that was sent may wait to be deleted, so that one commit does for many. A crash meanwhile sends it again, with every later one
 * of its key.
 */
const DELETE_WITHIN = 1_000;
/** Records of one read. Each passes over the index entries of what was deleted since the last vacuum: few long reads instead of many short ones. */
export const PAGE = 4 * BATCH;

class LeaseLostError extends Error {}

/**
 * Publishes what is pending in its lane, in order of id, one batch at a time, and deletes what the broker has acknowledged a little later. At
 * least once: a crash between the two sends again. Ids follow commit order per key, so there is nothing to remember but what is left.
 *
 * While a page is being sent the next one is read. That read begins at the front again, leaving out what is in hand, and not behind the last
 * id: an id that was drawn earlier may have become visible later, and behind it one of the same key.
 *
 * Should two relays take themselves for the owner, each still sends every record that is left, in order: whichever way their sends mix, each record comes
 * for the first time behind the first of every earlier one of its key. What the broker has twice, the inbox takes once.
 */
export class Relay {
  private lease?: { epoch: string; until: number };
  /** The page after the one in hand. Read before that one was sent, so worth nothing unless all of it went well. */
  private ahead?: Promise<PendingRecord[]>;
  /** Ids that the broker has and the table still has too, in the order they were sent in, and since when. */
  private readonly sent: string[] = [];
  private sentSince = 0;
  /** The last read saw nothing more: what comes next comes with a wake. */
  private caughtUp = false;
  private stopping?: AbortSignal;
  private readonly trouble = new Trouble('the relay cannot publish');
  private readonly lane: number;

  constructor(private readonly s: RelaySettings) {
    this.lane = s.lane ?? 0;
  }

  /** Until the signal aborts. A broker or database that is away is waited for. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, transport, wakeup } = this.s;
    this.stopping = signal;
    for (let failures = 0; !signal.aborted;) {
      try {
        // It may be away for longer than the lease, and what the broker has would be sent again.
        if (!transport.connected && this.sent.length && (await this.own())) await this.deleteSent();
        await transport.whenConnected(signal);
        if (signal.aborted) break;
        if (!(await this.own())) await clock.sleep(STANDBY, signal);
        else {
          await this.pass();
          if (this.sent.length && clock.now().getTime() - this.sentSince >= DELETE_WITHIN) await this.deleteSent();
          if (this.caughtUp) await wakeup.sleep(POLL, clock, signal);
        }
        if (failures > 0) this.trouble.over();
        failures = 0;
      } catch (error) {
        if (error instanceof LeaseLostError) {
          // Two that were given one name by mistake would otherwise take the lane from each other without a pause.
          await clock.sleep(STANDBY, signal);
          continue;
        }
        this.trouble.found(error);
        await clock.sleep(100 + backoff(++failures, { initial: 200, max: 2_000 }), signal);
      }
    }
    delete this.stopping;
  }

  /** Sends one page; the number of records it took care of. Needs `own`. */
  async pass(): Promise<number> {
    const epoch = this.lease?.epoch;
    const page = await this.next();
    this.caughtUp = page.length === 0;
    if (this.caughtUp) return 0;
    await this.stillOwn(epoch);
    const batches = inBatches(page);
    // What one batch holds was most likely all there is.
    const ahead = batches.length > 1 ? this.s.store.pending(this.lane, PAGE, [...this.sent, ...idsOf(page)]) : undefined;
    ahead?.catch(() => undefined);
    const { done, smoothly } = await this.publish(batches, epoch);
    this.caughtUp = smoothly && !ahead;
    // What was parked meanwhile may have later records of its key in the next page.
    if (ahead && smoothly) this.ahead = ahead;
    return done;
  }

  /** A page that was read ahead and turned out empty says little: something may have been committed since. */
  private async next(): Promise<PendingRecord[]> {
    const { ahead } = this;
    delete this.ahead;
    const page = await ahead;
    return page?.length ? page : this.s.store.pending(this.lane, PAGE, [...this.sent]);
  }

  /**
   * Batch after batch; what is full is deleted while the next one is on its way. Ends early when something could not be sent: later records of its key
   * may be in the batches behind it.
   */
  private async publish(batches: readonly PendingRecord[][], epoch: string | undefined): Promise<{ done: number; smoothly: boolean }> {
    let done = 0;
    let deleted = Promise.resolve();
    try {
      for (const batch of batches) {
        if (this.stopping?.aborted) return { done, smoothly: false };
        await this.stillOwn(epoch);
        failpoint('outbox.committed');
        try {
          await this.send(batch);
          failpoint('relay.sent');
        } catch (error) {
          if (!(error instanceof PartlySentError || error instanceof RecordRefusedError)) throw error;
          await deleted;
          return { done: done + (await this.salvage(batch, error)), smoothly: false };
        }
        done += batch.length;
        this.noteSent(batch);
        await deleted;
        if (this.sent.length < BATCH) continue;
        deleted = this.deleteSent();
        deleted.catch(() => undefined);
      }
    } finally {
      await deleted;
    }
    return { done, smoothly: true };
  }

  /** What was read under an earlier epoch may have been sent by another owner, or wait behind what that one parked. */
  private async stillOwn(epoch: string | undefined): Promise<void> {
    if ((await this.own()) && this.lease?.epoch === epoch) return;
    throw new LeaseLostError();
  }

  private async salvage(batch: readonly PendingRecord[], error: PartlySentError | RecordRefusedError): Promise<number> {
    if (error instanceof RecordRefusedError) {
      await this.sendSingly(batch);
      return batch.length;
    }
    this.noteSent(error.sent.map((place) => batch[place]!));
    // At once, and together with what was sent before: were they alone, a crash would send an earlier one of a key again, and not these.
    await this.deleteSent();
    return error.sent.length;
  }

  /** True while this process owns the lane: takes it when it is free, renews it now and then. */
  async own(): Promise<boolean> {
    const { store, clock, owner } = this.s;
    const asked = clock.now().getTime();
    if (this.lease && asked < this.lease.until - RENEW_BEFORE) return true;
    if (this.lease && (await store.renew(this.lane, this.lease.epoch, LEASE))) {
      this.lease.until = asked + LEASE;
      return true;
    }
    this.lost();
    const epoch = await store.acquire(this.lane, owner, LEASE, this.s.gone?.());
    if (epoch === undefined) return false;
    this.lease = { epoch, until: asked + LEASE };
    logger().debug({ lane: this.lane, epoch }, 'the relay owns a lane');
    return true;
  }

  /** Sends what is left, for at most `ms`, and gives the lane to whoever wants it. */
  async close(ms: number): Promise<void> {
    const { clock, store, transport } = this.s;
    const end = clock.now().getTime() + ms;
    try {
      while (transport.connected && clock.now().getTime() < end && (await this.own()) && (await this.pass()) > 0);
      if (this.sent.length && (await this.own())) await this.deleteSent();
      if (this.lease) await store.release(this.lane, this.lease.epoch);
    } catch (error) {
      logger().debug({ reason: (error as Error).message }, 'the relay stops with something left; it goes on at the next start');
    }
    this.lost();
  }

  /** One record is poison: each alone, that one set aside, later ones of its key left to wait behind it. */
  private async sendSingly(pending: readonly PendingRecord[]): Promise<void> {
    const blocked = new Set<string>();
    try {
      for (const one of pending) {
        if (blocked.has(keyOf(one.record))) continue;
        if (!(await this.own())) throw new LeaseLostError();
        try {
          await this.send([one]);
          this.noteSent([one]);
        } catch (error) {
          if (!(error instanceof RecordRefusedError)) throw error;
          blocked.add(keyOf(one.record));
          await this.park(one, error);
        }
      }
    } finally {
      await this.deleteSent();
    }
  }

  private async send(pending: readonly PendingRecord[]): Promise<void> {
    const sending = startSending(pending.map(({ record }) => record));
    try {
      await this.s.transport.send(sending.records);
      sending.end();
    } catch (error) {
      sending.end(error);
      throw error;
    }
  }

  private noteSent(sent: readonly PendingRecord[]): void {
    const topics = new Map<string, number>();
    for (const { record } of sent) topics.set(record.topic, (topics.get(record.topic) ?? 0) + 1);
    for (const [topic, count] of topics) metrics.published().inc({ topic }, count);
    metrics.lanePublished().inc({ lane: String(this.lane) }, sent.length);
    if (!this.sent.length) this.sentSince = this.s.clock.now().getTime();
    this.sent.push(...idsOf(sent));
  }

  private async deleteSent(): Promise<void> {
    const ids = [...this.sent];
    if (!ids.length) return;
    await this.fenced((epoch) => this.s.store.remove(this.lane, epoch, ids));
    // Only now: a read that went out meanwhile saw them, or not.
    this.sent.splice(0, ids.length);
    this.sentSince = this.s.clock.now().getTime();
  }

  private async park({ id, record }: PendingRecord, error: RecordRefusedError): Promise<void> {
    const fields = { outboxId: id, topic: record.topic, type: record.headers['ce_type'], reason: error.reason };
    logger().error(fields, 'the broker refuses a record: it is parked, and later records of its key wait');
    await this.fenced((epoch) => this.s.store.park(this.lane, epoch, id, error.reason));
  }

  /** A write that another owner's epoch turns away ends this ownership: the zombie's last act. */
  private async fenced(write: (epoch: string) => Promise<boolean>): Promise<void> {
    if (this.lease && (await write(this.lease.epoch))) return;
    this.lost();
    logger().warn({ lane: this.lane }, 'the relay lost a lane to another owner');
    throw new LeaseLostError();
  }

  private lost(): void {
    delete this.lease;
    delete this.ahead;
    this.sent.length = 0;
  }
}

/** In the same order, each of a size a broker takes. */
function inBatches(page: readonly PendingRecord[]): PendingRecord[][] {
  const batches: PendingRecord[][] = [];
  let bytes = Infinity;
  for (const one of page) {
    const size = Buffer.byteLength(one.record.value) + OVERHEAD_BYTES;
    if (bytes + size > BATCH_BYTES || batches.at(-1)!.length === BATCH) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)!.push(one);
    bytes += size;
  }
  return batches;
}

const idsOf = (records: readonly PendingRecord[]): string[] => records.map(({ id }) => id);
const keyOf = ({ topic, key }: WireRecord): string => `${topic}\0${key}`;
