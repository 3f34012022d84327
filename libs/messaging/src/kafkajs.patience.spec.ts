import { createRequire } from 'node:module';
import './kafkajs.patience.js';

interface Group {
  memberId: string;
  lastRequest: number;
  coordinator: { heartbeat: jest.Mock };
  heartbeat(options: { interval: number }): Promise<void>;
  recoverFromFetch(error: unknown): Promise<void>;
  joinAndSync: jest.Mock;
}

const require = createRequire(__filename);
const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup.js') as new (options: object) => Group;
const protocol = (type: string) => Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type });
const named = (name: string, more: object = {}) => Object.assign(new Error(name), { name, ...more });

describe('a member of a group, by kafkajs,', () => {
  const old = { heartbeat: jest.fn() };
  const next = { heartbeat: jest.fn() };
  const cluster = { findGroupCoordinator: jest.fn(), refreshMetadata: jest.fn(), removeBroker: jest.fn() };
  let group: Group;
  let now = 0;

  beforeEach(() => {
    jest.resetAllMocks();
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    for (const mock of Object.values(cluster)) mock.mockResolvedValue(undefined);
    cluster.findGroupCoordinator.mockResolvedValue(next);
    const nothing = () => undefined;
    group = new ConsumerGroup({
      ...{ cluster, groupId: 'group', topics: [], topicConfigurations: {}, assigners: [], retry: {} },
      ...{ logger: { namespace: () => ({ debug: nothing, warn: nothing }) }, instrumentationEmitter: { emit: nothing } },
    });
    group.joinAndSync = jest.fn(() => Promise.resolve());
    Object.assign(group, { memberId: 'me', coordinator: old, lastRequest: 0 });
  });
  afterEach(() => jest.restoreAllMocks());

  const beat = () => group.heartbeat({ interval: 0 });

  it.each([
    protocol('NOT_COORDINATOR_FOR_GROUP'),
    protocol('GROUP_LOAD_IN_PROGRESS'),
    protocol('GROUP_COORDINATOR_NOT_AVAILABLE'),
    named('KafkaJSConnectionClosedError'),
    named('KafkaJSNumberOfRetriesExceeded', { cause: named('KafkaJSConnectionError') }),
  ])('stays one when its coordinator moves: $message', async (error) => {
    old.heartbeat.mockRejectedValue(error);
    await beat();
    expect(group.lastRequest).toBe(0);
    await beat();
    expect(next.heartbeat).toHaveBeenCalledWith(expect.objectContaining({ memberId: 'me' }));
    expect(group.lastRequest).toBeGreaterThan(0);
    expect(group.joinAndSync).not.toHaveBeenCalled();
  });

  it.each(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])('hears at once that it is none: %s', async (type) => {
    old.heartbeat.mockRejectedValue(protocol(type));
    await expect(beat()).rejects.toMatchObject({ type });
    expect(cluster.findGroupCoordinator).not.toHaveBeenCalled();
  });

  it('gives up on a coordinator that does not come back, and is patient anew after one that did', async () => {
    cluster.findGroupCoordinator.mockRejectedValue(named('KafkaJSConnectionError'));
    old.heartbeat.mockRejectedValue(named('KafkaJSConnectionError'));
    for (now = 0; now < 15_000; now += 5_000) await beat();
    await expect(beat()).rejects.toThrow();

    old.heartbeat.mockResolvedValueOnce(undefined);
    await beat();
    await beat();
    expect(group.coordinator).toBe(old);
  });

  it.each([protocol('NOT_LEADER_FOR_PARTITION'), protocol('FENCED_LEADER_EPOCH'), named('KafkaJSConnectionError')])(
    'fetches from the new leader of a partition and does not join anew: $message',
    async (error) => {
      cluster.refreshMetadata.mockRejectedValueOnce(named('KafkaJSConnectionError'));
      await group.recoverFromFetch(error);
      await group.recoverFromFetch(error);
      expect(cluster.refreshMetadata).toHaveBeenCalledTimes(2);
      expect(group.joinAndSync).not.toHaveBeenCalled();
    },
  );

  it('forgets a connection that was closed', async () => {
    await group.recoverFromFetch(named('KafkaJSConnectionClosedError', { host: 'kafka-1', port: 9092 }));
    expect(cluster.removeBroker).toHaveBeenCalledWith({ host: 'kafka-1', port: 9092 });
  });

  it('gives up on a leader that does not come back', async () => {
    for (now = 100_000; now < 115_000; now += 5_000) await group.recoverFromFetch(named('KafkaJSConnectionError'));
    await expect(group.recoverFromFetch(named('KafkaJSConnectionError'))).rejects.toThrow();
  });

  it('leaves all else to kafkajs: a topic that is unknown joins anew, what nobody expected is thrown', async () => {
    await group.recoverFromFetch(protocol('UNKNOWN_TOPIC_OR_PARTITION'));
    expect(group.joinAndSync).toHaveBeenCalledTimes(1);
    await expect(group.recoverFromFetch(protocol('UNKNOWN'))).rejects.toThrow('UNKNOWN');
  });
});
