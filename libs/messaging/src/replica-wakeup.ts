import { prepared } from '@ballast/database';
import type { Clock } from './clock.js';
import { sessionOf } from './lanes.js';
import type { Wakeup } from './wakeup.js';

/** The part of `Database` that waking other replicas needs. */
export interface NotifyingDatabase {
  readonly primary: { query(sql: string, parameters: unknown[]): Promise<unknown> };
  listen(channel: string, heard: (payload?: string) => void, signal: AbortSignal, as?: string): Promise<void>;
}

export interface ReplicaWakeupSettings {
  database: NotifyingDatabase;
  clock: Clock;
  /** Unique among the replicas of the service. */
  owner: string;
  /** Woken by the commits of this process. */
  committed: Wakeup;
  /** Of the relays of this process. */
  relays: Wakeup;
}

const CHANNEL = 'outbox';
/** Commits of so many milliseconds share a notification. */
const TOGETHER = 5;
/** Without a commit nothing is to be told; the loop looks whether it is still asked for. */
const IDLE = 60_000;

/** Not worth waiting for the disk. */
const TELL = prepared(`SELECT set_config('synchronous_commit', 'off', true), pg_notify('${CHANNEL}', $1)`);

/**
 * Wakes the relays of the service's other replicas when something of theirs was committed here, so that it need not wait for their next poll. By
 * NOTIFY, but never in the transaction that writes: that takes a lock all commits of the server would queue up for. One is sent after the
 * commits, and one at a time for as many as there were meanwhile. A notification that is lost costs a poll, not a message.
 *
 * The connection that listens is also what the others know this replica by: while it is there, its lanes are its own.
 */
export class ReplicaWakeup {
  private telling?: AbortController;
  private listening?: AbortController;
  private readonly loops = new Set<Promise<void>>();

  constructor(private readonly s: ReplicaWakeupSettings) {}

  /** `tell`: another replica owns a lane. `listen`: there is another one, and this one owns a lane. */
  arrange({ tell, listen }: { tell: boolean; listen: boolean }): void {
    this.telling = this.arranged(tell, this.telling, (signal) => this.tell(signal));
    this.listening = this.arranged(listen, this.listening, (signal) => this.listen(signal));
  }

  async stop(): Promise<void> {
    this.arrange({ tell: false, listen: false });
    await Promise.all(this.loops);
  }

  private arranged(
    wanted: boolean,
    running: AbortController | undefined,
    run: (signal: AbortSignal) => Promise<void>,
  ): AbortController | undefined {
    if (wanted === (running !== undefined)) return running;
    running?.abort();
    if (!wanted) return undefined;
    const stopping = new AbortController();
    const loop = run(stopping.signal)
      .catch(() => undefined)
      .finally(() => this.loops.delete(loop));
    this.loops.add(loop);
    return stopping;
  }

  private async tell(signal: AbortSignal): Promise<void> {
    const { committed, clock, database, owner } = this.s;
    const { wakeup, drop } = committed.follower();
    try {
      while (!signal.aborted) {
        if (!(await wakeup.sleep(IDLE, clock, signal))) continue;
        // While the database is away there is nothing to tell of.
        await database.primary.query(TELL, [owner]).catch(() => undefined);
        await clock.sleep(TOGETHER, signal);
      }
    } finally {
      drop();
    }
  }

  private listen(signal: AbortSignal): Promise<void> {
    const { database, owner, relays } = this.s;
    return database.listen(CHANNEL, (teller) => void (teller !== owner && relays.wake()), signal, sessionOf(owner));
  }
}
