import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is used of kafkajs' consumer group, which has no types. */
export interface ConsumerGroup {
  readonly groupId: string;
  /** When the coordinator last answered a heartbeat, ms. */
  readonly lastRequest: number;
  coordinator: unknown;
  readonly cluster: {
    findGroupCoordinator(of: { groupId: string }): Promise<unknown>;
    refreshMetadata(): Promise<void>;
  };
}
interface Prototype {
  heartbeat(this: ConsumerGroup, options: { interval: number }): Promise<void>;
  recoverFromFetch(this: ConsumerGroup, error: unknown): Promise<void>;
}

/** Brokers take 6 to 9 s to notice that one of them is gone, and a moment to put others in its place, ms. */
const PATIENCE = 15_000;
/** Until a leader or coordinator that is not there yet is asked after again, ms. */
const PAUSE = 200;
/** A failure so long after the one before has nothing to do with it, ms. */
const UNRELATED = 8_000;

const COORDINATOR_MOVES = new Set(['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'GROUP_LOAD_IN_PROGRESS']);
const LEADER_MOVES = new Set(['LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION', 'FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH']);
const BROKER_IS_AWAY = new Set([
  'KafkaJSBrokerNotFound',
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSRequestTimeoutError',
]);

/** Since when one thing has failed again and again. */
class Streak {
  private since = -Infinity;
  private last = -Infinity;

  /** Notes a failure; false when they have gone on for too long. */
  tolerates(now = performance.now()): boolean {
    if (now - this.last > UNRELATED) this.since = now;
    this.last = now;
    return now - this.since < PATIENCE;
  }

  end(): void {
    this.last = -Infinity;
  }
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup.js') as { prototype: Prototype };
const original = { heartbeat: prototype.heartbeat, recoverFromFetch: prototype.recoverFromFetch };
const heartbeats = new WeakMap<ConsumerGroup, Streak>();
const fetches = new WeakMap<ConsumerGroup, Streak>();

/**
 * A coordinator that moves to another broker takes its groups along: a member that asks there is one still. kafkajs never looks for it; it joins
 * anew, which stops the whole group, or ends and leaves a dead member behind, for which the group waits a session's time.
 */
prototype.heartbeat = async function (this: ConsumerGroup, options): Promise<void> {
  const { lastRequest } = this;
  try {
    await original.heartbeat.call(this, options);
    if (this.lastRequest !== lastRequest) streakOf(heartbeats, this).end();
  } catch (error) {
    if (!isAway(error, COORDINATOR_MOVES) || !streakOf(heartbeats, this).tolerates()) throw error;
    await this.cluster.findGroupCoordinator(this).then(
      (coordinator) => (this.coordinator = coordinator),
      () => sleep(PAUSE),
    );
  }
};

/** A partition that has another leader is fetched from that one. kafkajs has the whole group join anew for it, or ends. */
prototype.recoverFromFetch = async function (this: ConsumerGroup, error): Promise<void> {
  if (!isAway(error, LEADER_MOVES)) return original.recoverFromFetch.call(this, error);
  if (!streakOf(fetches, this).tolerates()) throw error;
  // It forgets the connection.
  if ((error as Error).name === 'KafkaJSConnectionClosedError') await original.recoverFromFetch.call(this, error);
  await this.cluster.refreshMetadata().catch(() => undefined);
  await sleep(PAUSE);
};

/** kafkajs wraps what was wrong in what its retries made of it. */
function isAway(error: unknown, moves: ReadonlySet<string>): boolean {
  for (let e = error as { type?: string; name?: string; cause?: unknown } | undefined, depth = 0; e && depth < 5; depth++) {
    if (moves.has(e.type ?? '') || BROKER_IS_AWAY.has(e.name ?? '')) return true;
    e = e.cause as typeof e;
  }
  return false;
}

function streakOf(streaks: WeakMap<ConsumerGroup, Streak>, group: ConsumerGroup): Streak {
  const known = streaks.get(group) ?? new Streak();
  streaks.set(group, known);
  return known;
}
