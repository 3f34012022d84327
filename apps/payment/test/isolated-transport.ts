import type { Transport } from '@ballast/messaging';

/** The same broker with topics and groups of its own, so that test runs which share it do not answer each other's commands. */
export function isolated(transport: Transport, prefix: string): Transport {
  const outer = (topic: string) => `${prefix}.${topic}`;
  const inner = (topic: string) => topic.slice(prefix.length + 1);
  return {
    connect: (topics) => transport.connect(topics.map(outer)),
    send: (records) => transport.send(records.map((record) => ({ ...record, topic: outer(record.topic) }))),
    subscribe: ({ group, topics, onBatch }) =>
      transport.subscribe({
        group: outer(group),
        topics: topics.map(outer),
        onBatch: (batch) =>
          onBatch({
            topic: inner(batch.topic),
            partition: batch.partition,
            records: batch.records.map((record) => ({ ...record, topic: inner(record.topic) })),
            lag: batch.lag,
            get active() {
              return batch.active;
            },
            heartbeat: () => batch.heartbeat(),
            commit: (next) => batch.commit(next),
          }),
      }),
    get connected() {
      return transport.connected;
    },
    get consuming() {
      return transport.consuming;
    },
    get writable() {
      return transport.writable;
    },
    whenConnected: (signal) => transport.whenConnected(signal),
    close: () => transport.close(),
  };
}
