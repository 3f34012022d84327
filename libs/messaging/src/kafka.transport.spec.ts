import { eventually } from '@ballast/testing';
import { metricsText } from '@ballast/tracing';
import { type Admin, type ITopicMetadata, Kafka, type Producer } from 'kafkajs';
import { kafkaTransport } from './kafka.transport.js';
import { BrokerUnavailableError, RecordRefusedError } from './transport.js';

const records = [{ topic: 'shop.events', key: 'a', value: '{}', headers: {} }];

let listed: string[];
let listTopics: () => Promise<string[]>;
let producers: { connect: jest.Mock; disconnect: jest.Mock; sendBatch: jest.Mock }[];
let sendBatch: () => Promise<unknown>;
let fetchTopicMetadata: () => Promise<{ topics: ITopicMetadata[] }>;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
  listed = ['shop.events'];
  listTopics = async () => listed;
  producers = [];
  sendBatch = async () => [];
  const admin = {
    connect: async () => undefined,
    disconnect: async () => undefined,
    createTopics: async () => true,
    listTopics: () => listTopics(),
    fetchTopicMetadata: () => fetchTopicMetadata(),
  };
  jest.spyOn(Kafka.prototype, 'admin').mockReturnValue(admin as unknown as Admin);
  jest.spyOn(Kafka.prototype, 'producer').mockImplementation(() => {
    const producer = {
      connect: jest.fn(async () => undefined),
      disconnect: jest.fn(async () => undefined),
      sendBatch: jest.fn(() => sendBatch()),
    };
    producers.push(producer);
    return producer as unknown as Producer;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const newTransport = () => kafkaTransport({ brokers: ['nowhere:1'], clientId: 'test' });
const held = () => {
  let fail!: (error: Error) => void;
  const promise = new Promise<never>((_, reject) => (fail = reject));
  return { promise, fail };
};

it('closes a producer again when the send it was dropped for has come to an end', async () => {
  const slow = held();
  sendBatch = () => slow.promise;
  const sent = expect(newTransport().send(records)).rejects.toThrow(BrokerUnavailableError);
  await jest.advanceTimersByTimeAsync(8_000);
  await sent;
  expect(producers[0]!.disconnect).toHaveBeenCalledTimes(1);
  slow.fail(new Error('gave up'));
  await jest.advanceTimersByTimeAsync(0);
  expect(producers[0]!.disconnect).toHaveBeenCalledTimes(2);
});

it('sends nothing any more once the send was given up', async () => {
  let answer!: () => void;
  listTopics = () => new Promise((resolve) => (answer = () => resolve(listed)));
  const sent = expect(newTransport().send(records)).rejects.toThrow(BrokerUnavailableError);
  await jest.advanceTimersByTimeAsync(8_000);
  await sent;
  for (let i = 0; i < 3; i++) {
    answer();
    await jest.advanceTimersByTimeAsync(0);
  }
  for (const producer of producers) expect(producer.sendBatch).not.toHaveBeenCalled();
});

describe('a topic the brokers do not know', () => {
  it('is looked for again: they may only be late to learn of it', async () => {
    let looks = 0;
    listTopics = async () => (++looks > 3 ? listed : []);
    await newTransport().send(records);
    expect(producers[0]!.sendBatch).toHaveBeenCalledTimes(1);
  });

  it('is refused after five seconds', async () => {
    let looks = 0;
    listTopics = async () => {
      if (looks++) jest.advanceTimersByTime(2_000);
      return [];
    };
    await expect(newTransport().send(records)).rejects.toThrow(RecordRefusedError);
    expect(looks).toBe(4);
    expect(producers).toHaveLength(0);
  });
});

const partition = (partitionId: number, leader: number, isr: number[]) => ({
  ...{ partitionErrorCode: 0, partitionId, leader, replicas: [1, 2, 3], isr, offlineReplicas: [] },
});

describe('is not writable while a broker answers', () => {
  const refused = () => Promise.reject(Object.assign(new Error('too few are in sync'), { type: 'NOT_ENOUGH_REPLICAS' }));

  it('but refuses what is sent, until it takes something or has not been asked for a while', async () => {
    const transport = newTransport();
    await transport.send(records);
    expect([transport.connected, transport.writable]).toEqual([true, true]);
    sendBatch = refused;
    await expect(transport.send(records)).rejects.toThrow(BrokerUnavailableError);
    expect([transport.connected, transport.writable]).toEqual([true, false]);
    sendBatch = async () => [];
    await transport.send(records);
    expect(transport.writable).toBe(true);
    sendBatch = refused;
    await expect(transport.send(records)).rejects.toThrow(BrokerUnavailableError);
    jest.advanceTimersByTime(14_000);
    expect(transport.writable).toBe(false);
    jest.advanceTimersByTime(2_000);
    expect(transport.writable).toBe(true);
  });

  it('but tells of a partition that has too few copies, or no leader', async () => {
    jest.useRealTimers();
    listed = ['shop.events', 'shop.events.dlq'];
    let partitions = [partition(0, 1, [1, 2, 3])];
    fetchTopicMetadata = async () => ({ topics: [{ name: 'shop.events', partitions }] });
    const transport = newTransport();
    await transport.connect(['shop.events']);
    for (const [isr, writable] of [
      [[1], false],
      [[1, 3], true],
      [[], false],
    ] as const) {
      partitions = [partition(0, 1, [1, 2]), partition(1, isr[0] ?? -1, [...isr])];
      await eventually(() => expect([transport.connected, transport.writable]).toEqual([true, writable]));
    }
    await transport.close();
  }, 30_000);
});

describe('ballast_topic_partitions', () => {
  beforeEach(() => void jest.useRealTimers());
  const shown = async () => (await metricsText()).split('\n').filter((line) => /^ballast_topic_partitions\{.* [1-9]/.test(line));

  it('is of the topics that the service uses and of their dead letters, and of the last look only while a broker answers', async () => {
    listed = ['shop.events', 'shop.events.dlq'];
    const topics = [
      { name: 'shop.events', partitions: [partition(0, 1, [1, 2, 3]), partition(1, 2, [2, 3]), partition(2, 3, [3])] },
      { name: 'shop.events.dlq', partitions: [partition(0, -1, [])] },
      { name: 'another.events', partitions: [partition(0, 1, [1, 2, 3])] },
    ];
    fetchTopicMetadata = async () => ({ topics });
    const transport = newTransport();
    await transport.connect(['shop.events']);
    await eventually(async () =>
      expect(await shown()).toEqual([
        'ballast_topic_partitions{topic="shop.events",state="in_sync"} 1',
        'ballast_topic_partitions{topic="shop.events",state="under_replicated"} 1',
        'ballast_topic_partitions{topic="shop.events",state="unwritable"} 1',
        'ballast_topic_partitions{topic="shop.events.dlq",state="unwritable"} 1',
      ]),
    );
    expect(transport.connected).toBe(true);

    fetchTopicMetadata = () => Promise.reject(new Error('nobody there'));
    await eventually(async () => expect(await shown()).toEqual([]));
    expect(transport.connected).toBe(false);
    await transport.close();
  });
});
