import { Admin, Producer, ResponseError } from '@platformatic/kafka';
import { Kafka } from 'kafkajs';
import { createRequire } from 'node:module';
import { kafkaClients, loadClient } from './kafka.client.js';
import { partitioner } from './kafkajs.partitioner.js';
import { OutgoingMessage } from './kafkajs.produce.js';

const libraries = { kafkajs: 'kafkajs', platformatic: '@platformatic/kafka' };

describe.each(kafkaClients)('%s', (name) => {
  it('is loaded without the other', async () => {
    for (const other of kafkaClients.filter((each) => each !== name))
      jest.doMock(libraries[other], () => {
        throw new Error(`${other} was loaded`);
      });
    await jest.isolateModulesAsync(async () => {
      const { loadClient: load } = await import('./kafka.client.js');
      const client = await load(name, { brokers: ['nowhere:1'], clientId: 'test' });
      expect(client.member({ group: 'g', topics: ['t'], onBatch: async () => undefined }).joined).toBe(false);
      await client.close();
    });
    jest.dontMock('kafkajs').dontMock('@platformatic/kafka');
  });

  it('waits with each send for all in-sync replicas, so that the loss of a broker loses nothing that was sent', async () => {
    const send = jest.fn(async (_: { acks: number }) => []);
    jest.spyOn(Kafka.prototype, 'producer').mockReturnValue({
      connect: async () => undefined,
      disconnect: async () => undefined,
      sendBatch: send,
    } as unknown as ReturnType<Kafka['producer']>);
    jest.spyOn(Producer.prototype, 'send').mockImplementation(send as never);
    const client = await loadClient(name, { brokers: ['nowhere:1'], clientId: 'test' });
    await client.send([{ topic: 't', key: 'k', value: 'v', headers: {} }], new AbortController().signal);
    expect(send.mock.calls.map(([{ acks }]) => acks)).toEqual([-1]);
    await client.close();
    jest.restoreAllMocks();
  });

  it('says what a broker answered, however deep it is nested, and nothing when none did', async () => {
    const client = await loadClient(name, { brokers: ['nowhere:1'], clientId: 'test' });
    const refused = { type: 'MESSAGE_TOO_LARGE', apiId: 'MESSAGE_TOO_LARGE' };
    expect(client.answersIn(new Error('x', { cause: refused }))).toEqual(['MESSAGE_TOO_LARGE']);
    for (const error of [undefined, null, 'text', new Error('x'), new AggregateError([new Error('y')])])
      expect(client.answersIn(error)).toEqual([]);
    await client.close();
  });
});

describe('what kafkajs is given to send', () => {
  it('is written by us, and its partition found by us', async () => {
    const send = jest.fn(async (_: { topicMessages: { messages: unknown[] }[] }) => []);
    const producer = jest.spyOn(Kafka.prototype, 'producer').mockReturnValue({
      ...{ connect: async () => undefined, disconnect: async () => undefined, sendBatch: send },
    } as unknown as ReturnType<Kafka['producer']>);
    const client = await loadClient('kafkajs', { brokers: ['nowhere:1'], clientId: 'test' });
    await client.send([{ topic: 't', key: 'k', value: 'v', headers: { h: '1' } }], new AbortController().signal);
    expect(send.mock.calls[0]![0].topicMessages[0]!.messages).toEqual([new OutgoingMessage('k', 'v', { h: '1' })]);
    expect(send.mock.calls[0]![0].topicMessages[0]!.messages[0]).toBeInstanceOf(OutgoingMessage);
    expect(producer.mock.calls[0]![0]).toMatchObject({ createPartitioner: partitioner });
    await client.close();
    jest.restoreAllMocks();
  });
});

describe('a partition without a leader, which both libraries take for an answer that failed', () => {
  const LEADER_NOT_AVAILABLE = 5;
  const UNKNOWN_TOPIC = 3;

  it('kafkajs: is told of with all topics, and refused to whoever writes to that one', async () => {
    await loadClient('kafkajs', { brokers: ['nowhere:1'], clientId: 'test' });
    const { protocol } = createRequire(import.meta.url)('kafkajs/src/protocol/requests/metadata/index.js') as {
      protocol(o: { version: number }): (o: { topics: string[] }) => { response: { parse(answer: object): Promise<unknown> } };
    };
    const leaderless = { partitionErrorCode: LEADER_NOT_AVAILABLE, partitionId: 0, leader: -1, replicas: [1, 2, 3], isr: [3] };
    const orders = { topicErrorCode: 0, topic: 'order.events', partitionMetadata: [leaderless] };
    const gone = { topicErrorCode: UNKNOWN_TOPIC, topic: 'gone', partitionMetadata: [] };
    const ask = (topics: string[], ...topicMetadata: object[]) => protocol({ version: 6 })({ topics }).response.parse({ topicMetadata });
    expect(await ask([], orders, gone)).toEqual({ topicMetadata: [orders] });
    await expect(ask(['order.events'], orders)).rejects.toThrow('leader');
  });

  it.each([
    ['is told of', [{ name: 'order.events', errorCode: 0, partitions: [{ leaderId: -1, replicaNodes: [1, 2, 3], isrNodes: [3] }] }]],
    ['and not a topic that is not there', [{ name: 'gone', errorCode: UNKNOWN_TOPIC, partitions: [] }]],
  ])('platformatic: %s', async (_, topics) => {
    const refused = new ResponseError(3, 12, { '/topics/0/partitions/0': [LEADER_NOT_AVAILABLE, null] }, { topics });
    jest.spyOn(Admin.prototype, 'metadata').mockRejectedValue(refused as never);
    const client = await loadClient('platformatic', { brokers: ['nowhere:1'], clientId: 'test' });
    const told = topics.flatMap(({ name: topic, partitions }) => partitions.map(() => ({ topic, leader: -1, replicas: 3, inSync: 1 })));
    expect(await client.probe(['order.events'])).toEqual(told);
    jest.restoreAllMocks();
    await client.close();
  });

  it.each(kafkaClients)('%s: a broker that does not answer has told nothing', async (name) => {
    const client = await loadClient(name, { brokers: ['127.0.0.1:1'], clientId: 'test' });
    await expect(client.probe(['order.events'])).rejects.toThrow();
    await client.close();
  });
});
