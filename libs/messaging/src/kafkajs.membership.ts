import type { Consumer } from 'kafkajs';
import { protocolError } from './kafkajs.errors.js';

/** After these kafkajs joins the group anew. It does so, and says so, only when all batches it has in its queue are through. */
const REJOINS = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'NOT_COORDINATOR_FOR_GROUP']);

/** What a batch can ask about its partition. */
export interface Tenure {
  /** Still assigned to this member, without a break since the batch began. */
  readonly owned: boolean;
  /** Owned, and no rebalance is waiting for this member. */
  readonly active: boolean;
}

/** A consumer's place in its group, as far as kafkajs' events and failed requests tell it. */
export class Membership {
  /** Counts up when the partitions may have gone to someone else: a batch of before is nobody's. */
  private generation = 0;
  private assigned: ReadonlySet<string> = new Set();
  private rejoining = false;
  /** When the coordinator last took this consumer for a member. */
  private heardAt = -Infinity;

  /** `patience`, ms: for how long a member that the coordinator says nothing to still counts as one. */
  constructor(private readonly patience: number) {}

  /** False while the coordinator is away, while the group does not take this consumer, and when a rebalance lasts. */
  get joined(): boolean {
    return performance.now() - this.heardAt < this.patience;
  }

  watch(consumer: Consumer): void {
    const { HEARTBEAT, REBALANCING, GROUP_JOIN, STOP, CRASH } = consumer.events;
    consumer.on(HEARTBEAT, () => this.heard());
    consumer.on(REBALANCING, () => void this.generation++);
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.generation++;
      this.assigned = new Set(
        Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) => partitions.map((partition) => nameOf(topic, partition))),
      );
      this.heard();
    });
    consumer.on(STOP, () => this.left());
    consumer.on(CRASH, () => this.left());
  }

  /** A heartbeat or a commit was refused: of the batches that wait in the queue none may begin. */
  failed(error: unknown): void {
    this.rejoining ||= REJOINS.has(protocolError(error) ?? '');
  }

  left(): void {
    this.generation++;
    this.assigned = new Set();
    this.heardAt = -Infinity;
  }

  tenure(topic: string, partition: number): Tenure {
    const { generation } = this;
    const owned = () => this.generation === generation && this.assigned.has(nameOf(topic, partition));
    const active = () => owned() && !this.rejoining;
    return {
      get owned() {
        return owned();
      },
      get active() {
        return active();
      },
    };
  }

  private heard(): void {
    this.rejoining = false;
    this.heardAt = performance.now();
  }
}

const nameOf = (topic: string, partition: number): string => `${topic}/${partition}`;
