import type { WireRecord } from '@ballast/message';
import { backoff } from '@ballast/resilience';
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
  lane?: number;
}

/** Long against a send (see the transport's bound), so that an owner at work does not outlive it; a commit every few seconds renews it. */
export const LEASE = 15_000;
const RENEW_BEFORE = 9_000;
/** A wake comes at once from this process; the poll is for what another replica wrote, or a lost wake. */
const POLL = 250;
const STANDBY = 1_000;
export const BATCH = 500;

class LeaseLostError extends Error {}

/**
 * Publishes what is pending in its lane, in order of id, one batch at a time, and deletes what the broker has acknowledged. At least
 * once: a crash between the two sends again. Ids follow commit order per key, so there is nothing to remember but what is left.
 */
export class Relay {
  private lease?: { epoch: string; until: number };
  private readonly trouble = new Trouble('the relay cannot publish');
  private readonly lane: number;

  constructor(private readonly s: RelaySettings) {
    this.lane = s.lane ?? 0;
  }

  /** Until the signal aborts. A broker or database that is away is waited for. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, transport, wakeup } = this.s;
    for (let failures = 0; !signal.aborted;) {
      try {
        await transport.whenConnected(signal);
        if (signal.aborted) break;
        if (!(await this.own())) await clock.sleep(STANDBY, signal);
        else if ((await this.pass()) === 0) await wakeup.sleep(POLL, clock, signal);
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
  }

  /** Sends one batch; the number of records it took care of. Needs `own`. */
  async pass(): Promise<number> {
    const { store } = this.s;
    const pending = await store.pending(this.lane, BATCH);
    if (pending.length === 0) return 0;
    if (!(await this.own())) throw new LeaseLostError();
    try {
      await this.send(pending);
      await this.removed(pending);
    } catch (error) {
      if (error instanceof PartlySentError) {
        await this.removed(error.sent.map((place) => pending[place]!));
        return error.sent.length;
      }
      if (!(error instanceof RecordRefusedError)) throw error;
      await this.sendSingly(pending);
    }
    return pending.length;
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
    delete this.lease;
    const epoch = await store.acquire(this.lane, owner, LEASE);
    if (epoch === undefined) return false;
    this.lease = { epoch, until: asked + LEASE };
    logger().debug({ lane: this.lane, epoch }, 'the relay owns its lane');
    return true;
  }

  /** Sends what is left, for at most `ms`, and gives the lane to whoever wants it. */
  async close(ms: number): Promise<void> {
    const { clock, store, transport } = this.s;
    const end = clock.now().getTime() + ms;
    try {
      while (transport.connected && clock.now().getTime() < end && (await this.own()) && (await this.pass()) > 0);
      if (this.lease) await store.release(this.lane, this.lease.epoch);
    } catch (error) {
      logger().debug({ reason: (error as Error).message }, 'the relay stops with something left; it goes on at the next start');
    }
    delete this.lease;
  }

  /** One record is poison: each alone, that one set aside, later ones of its key left to wait behind it. */
  private async sendSingly(pending: readonly PendingRecord[]): Promise<void> {
    const blocked = new Set<string>();
    const sent: PendingRecord[] = [];
    try {
      for (const one of pending) {
        if (blocked.has(keyOf(one.record))) continue;
        if (!(await this.own())) throw new LeaseLostError();
        try {
          await this.send([one]);
          sent.push(one);
        } catch (error) {
          if (!(error instanceof RecordRefusedError)) throw error;
          blocked.add(keyOf(one.record));
          await this.park(one, error);
        }
      }
    } finally {
      if (sent.length) await this.removed(sent);
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

  private async removed(sent: readonly PendingRecord[]): Promise<void> {
    for (const { record } of sent) metrics.published().inc({ topic: record.topic });
    const ids = sent.map(({ id }) => id);
    await this.fenced((epoch) => this.s.store.remove(this.lane, epoch, ids));
  }

  private async park({ id, record }: PendingRecord, error: RecordRefusedError): Promise<void> {
    const fields = { outboxId: id, topic: record.topic, type: record.headers['ce_type'], reason: error.reason };
    logger().error(fields, 'the broker refuses a record: it is parked, and later records of its key wait');
    await this.fenced((epoch) => this.s.store.park(this.lane, epoch, id, error.reason));
  }

  /** A write that another owner's epoch turns away ends this ownership: the zombie's last act. */
  private async fenced(write: (epoch: string) => Promise<boolean>): Promise<void> {
    if (this.lease && (await write(this.lease.epoch))) return;
    delete this.lease;
    logger().warn({ lane: this.lane }, 'the relay lost its lane to another owner');
    throw new LeaseLostError();
  }
}

const keyOf = ({ topic, key }: WireRecord): string => `${topic}\0${key}`;
