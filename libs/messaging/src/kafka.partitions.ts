import { neededInSync } from './kafka.topics.js';
import { metrics } from './metrics.js';

/** A partition, as the brokers know it. */
export interface TopicPartition {
  topic: string;
  /** The broker that takes its writes; below 0 when there is none. */
  leader: number;
  /** Brokers that are to have a copy. */
  replicas: number;
  /** Those that have all of it. Without a leader: none, or those that had it at last. */
  inSync: number;
}

/** `unwritable`: no leader, or too few copies for a write that waits for all in-sync replicas. Each partition is in one state. */
export const partitionStates = ['in_sync', 'under_replicated', 'unwritable'] as const;
export type PartitionState = (typeof partitionStates)[number];

/** By the number of copies that `createTopics` asks for: who changes `min.insync.replicas` by hand is not heard. */
export function stateOf({ leader, replicas, inSync }: Omit<TopicPartition, 'topic'>): PartitionState {
  if (leader < 0 || inSync < neededInSync(replicas)) return 'unwritable';
  return inSync < replicas ? 'under_replicated' : 'in_sync';
}

/** `ballast_topic_partitions`: every topic that is there, in each state, so that what is well says 0. */
export function showPartitions(partitions: readonly TopicPartition[]): void {
  const gauge = metrics.topicPartitions();
  gauge.reset();
  for (const topic of new Set(partitions.map((each) => each.topic))) for (const state of partitionStates) gauge.set({ topic, state }, 0);
  for (const { topic, ...partition } of partitions) gauge.inc({ topic, state: stateOf(partition) });
}

/** No broker answers: nobody knows. */
export const forgetPartitions = (): void => metrics.topicPartitions().reset();
