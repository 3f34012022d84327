import {
  type Connection,
  type Consumer,
  heartbeatV4,
  joinGroupV6,
  type joinGroupV9,
  leaveGroupV4,
  offsetCommitV8,
  offsetFetchV8,
  syncGroupV4,
} from '@platformatic/kafka';
import { MEMBERSHIP, REQUEST_LIMIT } from './kafka.client.js';
import {
  ASSIGNER,
  assign,
  type Assignment,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './platformatic.assignment.js';
import { memberIdIn } from './platformatic.errors.js';
import { within } from './within.js';

const PROTOCOL = 'consumer';
/** The coordinator answers a join when all have joined, or the longest of their rebalance time-outs is over. */
const JOIN_LIMIT = 3 * MEMBERSHIP.rebalanceTimeout;
const LEAVE_LIMIT = 1_000;

/**
 * One member's talk with the coordinator of its group, by the client's own protocol calls. Not its `joinGroup`, `consume` and
 * `commit`: these join a new generation whenever a heartbeat or a commit asks for it, also while batches of the old one are at work, and commit
 * for a generation that may own the partition no more. Every call rejects after a bounded time. After a fault it is of no use.
 */
export class PlatformaticGroup {
  private memberId = '';
  private generation = -1;

  constructor(
    private readonly consumer: Consumer,
    private readonly topics: readonly string[],
  ) {}

  /** Becomes a member, or stays one in a new generation. */
  async join(): Promise<Assignment> {
    const { protocolName, leader, members, generationId } = await this.joinAs(this.memberId);
    this.generation = generationId;
    const shares = leader === this.memberId ? await this.share(members) : [];
    const { assignment } = await this.ask(JOIN_LIMIT, (connection) =>
      syncGroupV4.api.async(connection, this.groupId, this.generation, this.memberId, null, PROTOCOL, protocolName ?? ASSIGNER, shares),
    );
    return decodeAssignment(assignment);
  }

  async heartbeat(): Promise<void> {
    await this.ask(REQUEST_LIMIT, (connection) => heartbeatV4.api.async(connection, this.groupId, this.generation, this.memberId, null));
  }

  async commit(topic: string, partition: number, offset: bigint): Promise<void> {
    const partitions = [{ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: null }];
    await this.ask(REQUEST_LIMIT, (connection) =>
      offsetCommitV8.api.async(connection, this.groupId, this.generation, this.memberId, null, [{ name: topic, partitions }]),
    );
  }

  /** Where the group has come to; negative where it has not begun. */
  async committed(assignment: Assignment): Promise<(topic: string, partition: number) => bigint> {
    const topics = [...assignment].map(([name, partitions]) => ({ name, partitionIndexes: [...partitions] }));
    const { groups } = await this.ask(REQUEST_LIMIT, (connection) =>
      offsetFetchV8.api.async(connection, [{ groupId: this.groupId, memberEpoch: -1, topics }], false),
    );
    return (topic, partition) =>
      groups
        .find(({ groupId }) => groupId === this.groupId)
        ?.topics.find(({ name }) => name === topic)
        ?.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.committedOffset ?? -1n;
  }

  /** Tells the coordinator, so that it does not wait for this member. Never rejects. */
  async leave(): Promise<void> {
    if (!this.memberId) return;
    const left = this.ask(LEAVE_LIMIT, (connection) => leaveGroupV4.api.async(connection, this.groupId, [{ memberId: this.memberId }]));
    await left.catch(() => undefined);
  }

  private get groupId(): string {
    return this.consumer.groupId;
  }

  /** The first answer to a new member is its id, and that it must ask again by it. */
  private async joinAs(memberId: string): Promise<joinGroupV9.JoinGroupResponse> {
    const { sessionTimeout, rebalanceTimeout } = MEMBERSHIP;
    const protocols = [{ name: ASSIGNER, metadata: encodeSubscription(this.topics) }];
    try {
      const joined = await this.ask(JOIN_LIMIT, (connection) =>
        joinGroupV6.api.async(connection, this.groupId, sessionTimeout, rebalanceTimeout, memberId, null, PROTOCOL, protocols, null),
      );
      this.memberId = joined.memberId ?? memberId;
      return joined;
    } catch (error) {
      const given = memberIdIn(error);
      if (memberId || !given) throw error;
      this.memberId = given;
      return this.joinAs(given);
    }
  }

  private async share(members: readonly joinGroupV9.JoinGroupResponseMember[]) {
    const subscribers = members.map(({ memberId, metadata }) => ({ memberId, topics: decodeSubscription(metadata ?? Buffer.alloc(0)) }));
    const topics = [...new Set(subscribers.flatMap((each) => each.topics))];
    const metadata = await within(REQUEST_LIMIT, this.consumer.metadata({ topics, forceUpdate: true }), late);
    const shares = assign(subscribers, (topic) => metadata.topics.get(topic)?.partitionsCount ?? 0);
    return [...shares].map(([memberId, assignment]) => ({ memberId, assignment: encodeAssignment(assignment) }));
  }

  private ask<T>(limit: number, question: (connection: Connection) => Promise<T>): Promise<T> {
    return within(limit, this.coordinator().then(question), late);
  }

  private async coordinator(): Promise<Connection> {
    const id = await this.consumer.findGroupCoordinator();
    const { brokers } = await this.consumer.metadata({ topics: [] });
    const broker = brokers.get(id);
    if (!broker) throw new Error('the coordinator of the group is not among the brokers');
    return this.consumer.connections.get(broker);
  }
}

const late = () => new Error('no answer from the coordinator of the group');
