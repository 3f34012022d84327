import type { KafkaClient } from './kafka.client.js';
import { createTopics, type NewTopic } from './kafka.topics.js';

const DAY = 86_400_000;

async function created(replicationFactor: number, existing: string[] = []): Promise<NewTopic[]> {
  const topics: NewTopic[] = [];
  const client = { listTopics: async () => existing, createTopics: async (wanted: NewTopic[]) => void topics.push(...wanted) };
  await createTopics(client as unknown as KafkaClient, ['shop.events', 'shop.events'], { replicationFactor, retention: 7 * DAY });
  return topics;
}

it.each([
  [1, '1'],
  [3, '2'],
])('with %i replicas a write needs %s of them: one may go, and what was acknowledged is still there', async (replicas, needed) => {
  for (const { replicationFactor, config } of await created(replicas))
    expect([replicationFactor, config['min.insync.replicas']]).toEqual([replicas, needed]);
});

it('makes what is missing, each topic once and with its dead letters, which are kept for longer', async () => {
  expect((await created(1)).map(({ topic, config }) => [topic, Number(config['retention.ms']) / DAY])).toEqual([
    ['shop.events', 7],
    ['shop.events.dlq', 30],
  ]);
  expect((await created(1, ['shop.events'])).map(({ topic }) => topic)).toEqual(['shop.events.dlq']);
  expect(await created(1, ['shop.events', 'shop.events.dlq'])).toEqual([]);
});
