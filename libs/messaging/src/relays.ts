import { logger } from '@ballast/tracing';
import type { Clock } from './clock.js';
import { type LaneStore, type LaneView, shareOf } from './lanes.js';
import type { Lanes } from './lanes.sql.js';
import { metrics } from './metrics.js';
import type { ReplicaWakeup } from './replica-wakeup.js';
import { LEASE, Relay } from './relay.js';
import type { RelayStore } from './relay.store.js';
import type { Transport } from './transport.js';
import type { Wakeup } from './wakeup.js';

export interface RelaysSettings {
  lanes: LaneStore;
  storeOf(lanes: Lanes): RelayStore;
  transport: Transport;
  clock: Clock;
  /** Unique among the replicas of the service, the same after a restart. */
  owner: string;
  /** Wakes every lane of this process: which one a record is in, the database knows. */
  wakeup: Wakeup;
  /** Without it, what another replica has committed waits for the next poll. */
  replicas?: Pick<ReplicaWakeup, 'arrange' | 'stop'>;
}

/** How often it looks whether its share has changed; also how long a lane that was given back can rest. */
const LOOK_EVERY = 1_000;
/** A replica that is silent for as long as a lease lasts takes part no more: its lanes are free by then. One that died is missed sooner, by its session. */
const JOIN_EVERY = LEASE / 3;

interface Running {
  readonly relay: Relay;
  readonly generation: string;
  /** Ends it after the batch that is on its way. */
  stop(): Promise<void>;
}

/**
 * This replica's share of the relay lanes. The replicas take lanes in turn; each owns what falls to it and gives back what falls to
 * another that has come. Who owns a lane is decided by its lease alone: what is agreed on here only says who tries.
 */
export class Relays {
  private readonly running = new Map<number, Running>();
  private joined = -Infinity;
  private absent: readonly string[] = [];
  private gone: readonly string[] = [];

  constructor(private readonly s: RelaysSettings) {}

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, transport } = this.s;
    while (!signal.aborted) {
      try {
        // Who has no broker leaves its share to those who have.
        await transport.whenConnected(signal);
        if (!signal.aborted) await this.share(await this.look());
      } catch (error) {
        // Each lane's relay tells of the outage.
        logger().debug({ reason: (error as Error).message }, 'the relay lanes cannot be looked at');
      }
      await clock.sleep(LOOK_EVERY, signal);
    }
    await Promise.all([...this.running.values()].map(({ stop }) => stop()));
  }

  /** Sends what is left in its lanes, for at most `ms`, and gives them to whoever wants them. */
  async close(ms: number): Promise<void> {
    await Promise.all([...this.running].map(([lane, { relay }]) => relay.close(ms).finally(() => this.forget(lane))));
    await this.s.lanes.leave(this.s.owner).catch(() => undefined);
    // Last: without it the others would take the lanes while this one is still sending.
    await this.s.replicas?.stop();
  }

  private async look(): Promise<LaneView> {
    const { lanes, owner, clock } = this.s;
    const now = clock.now().getTime();
    if (now - this.joined >= JOIN_EVERY) {
      await lanes.join(owner, LEASE);
      this.joined = now;
    }
    return this.withoutGone(await lanes.look());
  }

  /**
   * Missed at two looks in a row is gone: a session that was lost, be it with the whole primary, is there again before that. Whoever is taken for gone by
   * mistake finds its epoch outdated and looks on, at the price of a batch that is sent twice.
   */
  private withoutGone(view: LaneView): LaneView {
    this.gone = view.absent.filter((each) => each !== this.s.owner && this.absent.includes(each));
    this.absent = view.absent;
    return { ...view, members: view.members.filter((each) => !this.gone.includes(each)) };
  }

  /** First gives back, then takes: no lane of a new generation may begin in this process beside one of the old. */
  private async share(view: LaneView): Promise<void> {
    const mine = shareOf(view, this.s.owner);
    const over = [...this.running].filter(([lane, { generation }]) => generation !== view.generation || !mine.includes(lane));
    await Promise.all(
      over.map(async ([lane, { relay, stop }]) => {
        await stop();
        await relay.close(0);
        this.forget(lane);
      }),
    );
    for (const lane of mine) if (!this.running.has(lane)) this.start(lane, view);
    this.s.replicas?.arrange({ tell: mine.length < view.lanes, listen: mine.length > 0 && view.members.length > 1 });
  }

  private start(lane: number, view: LaneView): void {
    const { storeOf, transport, clock, owner } = this.s;
    const { wakeup, drop } = this.s.wakeup.follower();
    const relay = new Relay({ store: storeOf(view), transport, clock, owner, wakeup, lane, gone: () => this.gone });
    const stopping = new AbortController();
    const ended = relay.run(stopping.signal).finally(drop);
    this.running.set(lane, {
      relay,
      generation: view.generation,
      stop: () => {
        stopping.abort();
        return ended;
      },
    });
    metrics.laneOwned().set({ lane: String(lane) }, 1);
  }

  private forget(lane: number): void {
    this.running.delete(lane);
    metrics.laneOwned().set({ lane: String(lane) }, 0);
  }
}
