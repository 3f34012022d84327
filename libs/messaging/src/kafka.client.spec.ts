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

  it('says what a broker answered, however deep it is nested, and nothing when none did', async () => {
    const client = await loadClient(name, { brokers: ['nowhere:1'], clientId: 'test' });
    const refused = { type: 'MESSAGE_TOO_LARGE', apiId: 'MESSAGE_TOO_LARGE' };
    expect(client.answersIn(new Error('x', { cause: refused }))).toEqual(['MESSAGE_TOO_LARGE']);
    for (const error of [undefined, null, 'text', new Error('x'), new AggregateError([new Error('y')])])
      expect(client.answersIn(error)).toEqual([]);
    await client.close();
  });
});
