import { type ClusterMetadata, ConnectionPool, type Consumer, ListOffsetTimestamps } from '@platformatic/kafka';
import { systemClock } from './clock.js';
import { FETCH_WAIT, REQUEST_LIMIT } from './kafka.client.js';
import type { Assignment } from './platformatic.assignment.js';
import { answersIn } from './platformatic.errors.js';
import { closeClient } from './platformatic.options.js';
import { fetchedFrom } from './platformatic.records.js';
import { Slot } from './platformatic.slot.js';
import { Trouble } from './trouble.js';
import { Wakeup } from './wakeup.js';
import { within } from './within.js';

const PARTITION_BYTES = 1_048_576;
const FETCH_BYTES = 10 * PARTITION_BYTES;
/** While a partition is left out because there is no room, a fetch must not hold up the next one, which may include it. */
const SHORT_WAIT = 50;
const LOOK_AGAIN = 200;
const AFTER_TROUBLE = 500;

/** Fills slots from the leaders of their partitions: one fetch at a time from each broker, over connections of its own. */
export class PlatformaticFetcher {
  private readonly wakeup = new Wakeup();
  private readonly busy = new Set<number>();
  private readonly trouble = new Trouble('records cannot be fetched');
  private connections: ConnectionPool;
  private ended = false;

  constructor(
    private readonly consumer: Consumer,
    private readonly newConnections: () => ConnectionPool,
    private readonly slots: readonly Slot[],
    private readonly onFetched: () => void,
  ) {
    this.connections = newConnections();
  }

  /** There is room in a slot. */
  wake(): void {
    this.wakeup.wake();
  }

  /** Until the signal. Rejects when the positions themselves are wrong: they have to be looked up again. */
  async run(signal: AbortSignal): Promise<void> {
    let wrong: Error | undefined;
    while (!signal.aborted && !wrong) {
      try {
        const metadata = await within(REQUEST_LIMIT, this.consumer.metadata({ topics: this.topics() }), late);
        for (const [broker, slots] of this.byLeader(metadata))
          void this.fetch(broker, slots, metadata).catch((error: unknown) => (wrong = error as Error));
      } catch (error) {
        this.failed(error, this.connections);
        await systemClock.sleep(AFTER_TROUBLE, signal);
      }
      await this.wakeup.sleep(LOOK_AGAIN, systemClock, signal);
    }
    this.ended = true;
    await closeClient(this.connections);
    if (wrong) throw wrong;
  }

  private topics(): string[] {
    return [...new Set(this.slots.map(({ topic }) => topic))];
  }

  private byLeader({ topics }: ClusterMetadata): Map<number, Slot[]> {
    const found = new Map<number, Slot[]>();
    for (const slot of this.slots) {
      const leader = topics.get(slot.topic)?.partitions[slot.partition]?.leader ?? -1;
      if (!slot.wants || leader < 0 || this.busy.has(leader)) continue;
      found.set(leader, [...(found.get(leader) ?? []), slot]);
    }
    return found;
  }

  /** Rejects only when an offset is not there (any more). */
  private async fetch(broker: number, slots: readonly Slot[], metadata: ClusterMetadata): Promise<void> {
    this.busy.add(broker);
    const connectionPool = this.connections;
    try {
      const asked = slots.map((slot) => ({ slot, position: slot.position }));
      const topics = [...new Set(slots.map(({ topic }) => topic))].map((topic) => ({
        topicId: metadata.topics.get(topic)!.id,
        partitions: asked.flatMap(({ slot, position }) =>
          slot.topic === topic
            ? [
                {
                  partition: slot.partition,
                  fetchOffset: position,
                  partitionMaxBytes: PARTITION_BYTES,
                  currentLeaderEpoch: -1,
                  lastFetchedEpoch: -1,
                },
              ]
            : [],
        ),
      }));
      const maxWaitTime = slots.length < this.slots.length ? SHORT_WAIT : FETCH_WAIT;
      const options = { node: broker, topics, maxWaitTime, minBytes: 1, maxBytes: FETCH_BYTES, connectionPool };
      const { responses } = await within(REQUEST_LIMIT, this.consumer.fetch(options), late);
      this.trouble.over();
      for (const { slot, position } of asked) {
        const topicId = metadata.topics.get(slot.topic)!.id;
        const partition = responses.find((each) => each.topicId === topicId)?.partitions.find((p) => p.partitionIndex === slot.partition);
        if (partition) slot.accept(position, fetchedFrom(slot.topic, position, partition));
      }
      this.onFetched();
    } catch (error) {
      if (answersIn(error).includes('OFFSET_OUT_OF_RANGE')) throw error;
      this.failed(error, connectionPool);
      await systemClock.sleep(AFTER_TROUBLE);
    } finally {
      this.busy.delete(broker);
      this.wake();
    }
  }

  /**
   * The leader may have moved, and a connection that gave no answer in time is of no use any more. Closing `used` ends the fetches from other
   * brokers too: theirs is not a failure of the connections that have taken its place.
   */
  private failed(error: unknown, used: ConnectionPool): void {
    if (this.ended || used !== this.connections) return;
    this.trouble.found(error);
    this.consumer.clearMetadata();
    void closeClient(used);
    this.connections = this.newConnections();
  }
}

/** Each assigned partition where the group has come to; at its beginning where it has not begun, or where what it left off at is gone. */
export async function openSlots(
  consumer: Consumer,
  assignment: Assignment,
  committed: (topic: string, partition: number) => bigint,
): Promise<Slot[]> {
  if (assignment.size === 0) return [];
  const partitions = Object.fromEntries([...assignment].map(([topic, numbers]) => [topic, [...numbers]]));
  const offsets = (timestamp: bigint) =>
    within(REQUEST_LIMIT, consumer.listOffsets({ topics: [...assignment.keys()], partitions, timestamp }), late);
  const earliest = await offsets(ListOffsetTimestamps.EARLIEST);
  const latest = await offsets(ListOffsetTimestamps.LATEST);
  return [...assignment].flatMap(([topic, numbers]) =>
    numbers.map((partition) => {
      const [first, last, own] = [earliest.get(topic)![partition]!, latest.get(topic)![partition]!, committed(topic, partition)];
      return new Slot(topic, partition, own >= first && own <= last ? own : first);
    }),
  );
}

const late = () => new Error('no answer from a broker');
