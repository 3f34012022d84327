import { metricsText } from '@ballast/tracing';
import { forgetPartitions, showPartitions, stateOf, type TopicPartition } from './kafka.partitions.js';

it.each([
  ['all copies', { leader: 1, replicas: 3, inSync: 3 }, 'in_sync'],
  ['one broker of three is away', { leader: 2, replicas: 3, inSync: 2 }, 'under_replicated'],
  ['two of three are away, or have not caught up: a write needs two', { leader: 3, replicas: 3, inSync: 1 }, 'unwritable'],
  ['whoever was in sync at last is away too', { leader: -1, replicas: 3, inSync: 0 }, 'unwritable'],
  ['the same, as older brokers tell it', { leader: -1, replicas: 3, inSync: 1 }, 'unwritable'],
  ['no leader for a moment, with copies enough', { leader: -1, replicas: 3, inSync: 3 }, 'unwritable'],
  ['one copy, as with one broker', { leader: 1, replicas: 1, inSync: 1 }, 'in_sync'],
  ['one copy, and its broker is away', { leader: -1, replicas: 1, inSync: 1 }, 'unwritable'],
  ['two copies, of which a write needs one', { leader: 1, replicas: 2, inSync: 1 }, 'under_replicated'],
])('%s', (_, partition, state) => {
  expect(stateOf(partition)).toBe(state);
});

describe('ballast_topic_partitions', () => {
  const partition = (topic: string, leader: number, inSync: number): TopicPartition => ({ topic, leader, replicas: 3, inSync });
  const shown = async () => (await metricsText()).split('\n').filter((line) => line.startsWith('ballast_topic_partitions{'));

  it('counts each partition once, and says 0 where there is none', async () => {
    showPartitions([partition('a', 1, 3), partition('a', 1, 2), partition('a', 2, 2), partition('b', -1, 1)]);
    expect(await shown()).toEqual([
      'ballast_topic_partitions{topic="a",state="in_sync"} 1',
      'ballast_topic_partitions{topic="a",state="under_replicated"} 2',
      'ballast_topic_partitions{topic="a",state="unwritable"} 0',
      'ballast_topic_partitions{topic="b",state="in_sync"} 0',
      'ballast_topic_partitions{topic="b",state="under_replicated"} 0',
      'ballast_topic_partitions{topic="b",state="unwritable"} 1',
    ]);
  });

  it('keeps nothing of the last look', async () => {
    showPartitions([partition('a', -1, 1), partition('gone', 1, 3)]);
    showPartitions([partition('a', 1, 3)]);
    expect(await shown()).toEqual([
      'ballast_topic_partitions{topic="a",state="in_sync"} 1',
      'ballast_topic_partitions{topic="a",state="under_replicated"} 0',
      'ballast_topic_partitions{topic="a",state="unwritable"} 0',
    ]);
    forgetPartitions();
    expect(await shown()).toEqual([]);
  });
});
