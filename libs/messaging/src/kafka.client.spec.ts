import { Producer } from '@platformatic/kafka';
import { Kafka } from 'kafkajs';
import { kafkaClients, loadClient } from './kafka.client.js';

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
