import { counter, gauge } from '@ballast/tracing';

/** Functions, so that importing this library makes no metric. */
export const metrics = {
  published: () => counter('ballast_relay_published_total', 'Messages the relay has sent', ['topic']),
  parkedRecords: () => gauge('ballast_outbox_parked', 'Outbox records the broker refused, set aside'),
  pending: () => gauge('ballast_outbox_pending', 'Outbox records that wait to be sent'),
  oldest: () => gauge('ballast_outbox_oldest_seconds', 'Age of the oldest outbox record'),
  lag: () => gauge('ballast_consumer_lag', 'Messages of a partition that are still to be handled', ['topic', 'partition']),
  consumed: () => counter('ballast_consumer_messages_total', 'Messages handled, by outcome', ['type', 'outcome']),
  duplicates: () => counter('ballast_inbox_duplicates_total', 'Messages that had come before: their effect was not repeated'),
  deadLetters: () => counter('ballast_dead_letters_total', 'Messages that could not be handled', ['topic', 'reason']),
  deadLettersOpen: () => gauge('ballast_dead_letters_open', 'Dead letters nobody has dealt with yet'),
  intents: () => gauge('ballast_intents_pending', 'Calls to the outside that have not settled', ['kind']),
  oldestIntent: () => gauge('ballast_intents_oldest_seconds', 'Age of the oldest call to the outside that has not settled', ['kind']),
};
