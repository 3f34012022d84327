import type { AnyCommand, AnyEventReader } from '@ballast/message';
import { counter, gauge } from '@ballast/tracing';
import { deadLetterReasons } from './incoming.js';
import { exposeLag } from './lag.js';

/** Functions, so that importing this library makes no metric. */
export const metrics = {
  published: () => counter('ballast_relay_published_total', 'Messages the relay has sent', ['topic']),
  parkedRecords: () => gauge('ballast_outbox_parked', 'Outbox records the broker refused, set aside'),
  pending: () => gauge('ballast_outbox_pending', 'Outbox records that wait to be sent'),
  oldest: () => gauge('ballast_outbox_oldest_seconds', 'Age of the oldest outbox record that waits to be sent'),
  lanes: () => gauge('ballast_relay_lanes', 'Relay lanes the service has'),
  laneOwned: () => gauge('ballast_relay_lane_owned', 'Whether this replica is to send the lane: 1 or 0', ['lane']),
  lanePending: () => gauge('ballast_relay_lane_pending', 'Outbox records of the lane that wait to be sent', ['lane']),
  lanePublished: () => counter('ballast_relay_lane_published_total', 'Messages of the lane that this replica has sent', ['lane']),
  topicPartitions: () =>
    gauge('ballast_topic_partitions', 'Partitions of the topics a service uses, by how many of their copies are in sync', [
      'topic',
      'state',
    ]),
  consumed: () => counter('ballast_consumer_messages_total', 'Messages handled, by outcome', ['type', 'outcome']),
  duplicates: () => counter('ballast_inbox_duplicates_total', 'Messages that had come before: their effect was not repeated'),
  deadLetters: () => counter('ballast_dead_letters_total', 'Messages that could not be handled', ['topic', 'reason']),
  deadLettersOpen: () => gauge('ballast_dead_letters_open', 'Dead letters nobody has dealt with yet'),
  settled: () => counter('ballast_dead_letters_settled_total', 'What operators did with dead letters', ['topic', 'outcome']),
  intents: () => gauge('ballast_intents_pending', 'Calls to the outside that have not settled', ['kind']),
  oldestIntent: () => gauge('ballast_intents_oldest_seconds', 'Age of the oldest call to the outside that has not settled', ['kind']),
};

export interface Known {
  /** Topics this service writes to. */
  writes: readonly string[];
  /** Topics it reads. */
  reads: readonly string[];
  handles: readonly (AnyEventReader | AnyCommand)[];
}

/** What can be counted begins at 0: without a first value, `rate()` and an alert on it would miss the first failure. */
export function beginMetrics({ writes, reads, handles }: Known): void {
  for (const topic of writes) metrics.published().inc({ topic }, 0);
  for (const topic of reads) for (const reason of deadLetterReasons) metrics.deadLetters().inc({ topic, reason }, 0);
  for (const { type, kind } of handles)
    for (const outcome of ['handled', 'duplicate', 'dead-lettered', ...(kind === 'command' ? ['refused'] : [])])
      metrics.consumed().inc({ type, outcome }, 0);
  metrics.duplicates().inc(0);
  for (const gauge of [metrics.pending, metrics.parkedRecords, metrics.oldest, metrics.deadLettersOpen]) gauge();
  exposeLag();
}
