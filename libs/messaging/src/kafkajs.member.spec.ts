import { EventEmitter, getEventListeners } from 'node:events';
import { type Consumer, type EachBatchPayload, Kafka, type OffsetsByTopicPartition } from 'kafkajs';
import { StaleBatchError } from './batch-session.js';
import { KafkaSubscription } from './kafka.subscription.js';
import { KafkaJsMember } from './kafkajs.member.js';
import type { Batch } from './transport.js';

const EVENTS = { HEARTBEAT: 'heartbeat', REBALANCING: 'rebalancing', GROUP_JOIN: 'join', STOP: 'stop', CRASH: 'crash' };

/** kafkajs' consumer as far as the subscription uses it, with events and answers that a test gives. */
class ScriptedConsumer {
  readonly events = EVENTS;
  private readonly emitter = new EventEmitter();
  eachBatch!: (payload: EachBatchPayload) => Promise<void>;
  on = (event: string, listener: (e: unknown) => void) => this.emitter.on(event, listener);
  emit = (event: string, payload: object = {}) => this.emitter.emit(event, { payload });
  joins = (...partitions: number[]) => this.emit(EVENTS.GROUP_JOIN, { memberAssignment: { 'shop.events': partitions } });
  connect = async () => undefined;
  disconnected = 0;
  disconnect = async () => void this.disconnected++;
  subscribe = async () => undefined;
  run = async ({ eachBatch }: { eachBatch: ScriptedConsumer['eachBatch'] }) => {
    this.eachBatch = eachBatch;
    await joining;
  };
}

const protocol = (type: string) => Object.assign(new Error(type), { type });
let heartbeat: () => Promise<void>;
let committed: string[];
/** Until when a consumer is on its way into the group. */
let joining: Promise<void>;

const payload = (partition: number): EachBatchPayload =>
  ({
    batch: { topic: 'shop.events', partition, messages: [{ key: null, value: null, headers: {}, offset: '7' }], offsetLag: () => '0' },
    heartbeat: () => heartbeat(),
    resolveOffset: () => undefined,
    commitOffsetsIfNecessary: async ({ topics }: OffsetsByTopicPartition) =>
      void committed.push(topics.flatMap(({ partitions }) => partitions.map((each) => each.partition)).join()),
    isRunning: () => true,
    isStale: () => false,
  }) as unknown as EachBatchPayload;

let consumers: ScriptedConsumer[];
let signal: AbortSignal;
let subscription: KafkaSubscription;
/** What is done with a batch; by default it is noted whether it was to be worked on. */
let onBatch: (batch: Batch) => Promise<void>;
let worked: [number, boolean][];

const consumer = async (n = 0): Promise<ScriptedConsumer> => {
  while (!consumers[n]?.eachBatch) await new Promise((resolve) => setTimeout(resolve, 5));
  return consumers[n];
};

beforeEach(() => {
  consumers = [];
  committed = [];
  worked = [];
  joining = Promise.resolve();
  heartbeat = async () => undefined;
  onBatch = async ({ partition, active }) => void worked.push([partition, active]);
  jest.spyOn(Kafka.prototype, 'consumer').mockImplementation(() => {
    const scripted = new ScriptedConsumer();
    consumers.push(scripted);
    return scripted as unknown as Consumer;
  });
  const options = { group: 'shop', topics: ['shop.events'], onBatch: (batch: Batch) => onBatch(batch) };
  subscription = new KafkaSubscription(
    new KafkaJsMember({ brokers: ['nowhere:1'], clientId: 'test' }, options),
    'shop',
    async (s) => void (signal = s),
  );
  subscription.start();
});
afterEach(async () => {
  await subscription.stop();
  jest.restoreAllMocks();
  jest.useRealTimers();
});

describe('a batch from the queue', () => {
  it.each(['REBALANCE_IN_PROGRESS', 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'])('is not begun when its heartbeat says %s', async (type) => {
    const { joins, eachBatch } = await consumer();
    joins(0, 1);
    heartbeat = () => Promise.reject(protocol(type));
    await expect(eachBatch(payload(0))).rejects.toThrow(type);
    // kafkajs asks the coordinator at most once a second: the next heartbeat may say nothing.
    heartbeat = async () => undefined;
    await eachBatch(payload(1));
    expect(worked).toEqual([
      [0, false],
      [1, false],
    ]);
  });

  it('is left alone as soon as the heartbeat beside another one failed', async () => {
    const { joins, eachBatch } = await consumer();
    joins(0, 1);
    onBatch = async (batch) => {
      heartbeat = () => Promise.reject(protocol('REBALANCE_IN_PROGRESS'));
      await batch.heartbeat().catch(() => undefined);
      heartbeat = async () => undefined;
      onBatch = async ({ partition, active }) => void worked.push([partition, active]);
      await eachBatch(payload(1));
      expect(batch.active).toBe(false);
    };
    await eachBatch(payload(0));
    expect(worked).toEqual([[1, false]]);
  });

  it('is worked on again after the group was joined', async () => {
    const { joins, eachBatch } = await consumer();
    joins(0);
    heartbeat = () => Promise.reject(protocol('REBALANCE_IN_PROGRESS'));
    await expect(eachBatch(payload(0))).rejects.toThrow();
    heartbeat = async () => undefined;
    joins(0);
    await eachBatch(payload(0));
    expect(worked.at(-1)).toEqual([0, true]);
  });

  it('does not stay out when kafkajs goes on without joining anew', async () => {
    const { joins, eachBatch, emit } = await consumer();
    joins(0);
    heartbeat = () => Promise.reject(protocol('NOT_COORDINATOR_FOR_GROUP'));
    await expect(eachBatch(payload(0))).rejects.toThrow();
    emit(EVENTS.HEARTBEAT);
    heartbeat = async () => undefined;
    await eachBatch(payload(0));
    expect(worked.at(-1)).toEqual([0, true]);
  });

  it('is not worked on when its partition is assigned to someone else by now', async () => {
    const { joins, eachBatch } = await consumer();
    joins(1);
    await eachBatch(payload(0));
    expect(worked).toEqual([[0, false]]);
  });

  it('commits nothing after its partition went away, or came back', async () => {
    const { joins, eachBatch } = await consumer();
    joins(0);
    onBatch = async (batch) => {
      joins(0);
      expect(batch.active).toBe(false);
      await batch.commit('8');
    };
    await expect(eachBatch(payload(0))).rejects.toThrow(StaleBatchError);
    expect(committed).toEqual([]);
  });

  it('commits nothing of what waited when its partition came to someone else: that would set the other one back', async () => {
    const { joins, eachBatch } = await consumer();
    joins(0, 1);
    onBatch = (batch) => batch.commit('8');
    await eachBatch(payload(0));
    joins(1);
    await eachBatch(payload(1));
    await subscription.stop();
    expect(committed).toEqual(['1']);
  });

  it('commits in few requests what many batches have done, and the rest before it leaves', async () => {
    const { joins, eachBatch } = await consumer();
    joins(0, 1);
    onBatch = (batch) => batch.commit('8');
    for (const partition of [0, 1, 0, 1]) await eachBatch(payload(partition));
    expect(committed).toEqual([]);
    while (!committed.length) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(committed).toEqual(['0,1']);
    await eachBatch(payload(1));
    await subscription.stop();
    expect(committed).toEqual(['0,1', '1']);
  });

  it('commits what is done when a rebalance has begun: the coordinator takes it until the group is new', async () => {
    const { joins, eachBatch } = await consumer();
    joins(0);
    onBatch = async (batch) => {
      heartbeat = () => Promise.reject(protocol('REBALANCE_IN_PROGRESS'));
      await batch.heartbeat().catch(() => undefined);
      await batch.commit('8');
    };
    await eachBatch(payload(0));
    expect(committed).toEqual(['0']);
  });
});

it('is given up by its group after 6 s of silence, not after the 30 of kafkajs', async () => {
  await consumer();
  expect(Kafka.prototype.consumer).toHaveBeenCalledWith(
    expect.objectContaining({ sessionTimeout: 6_000, heartbeatInterval: 1_000, rebalanceTimeout: 6_000 }),
  );
});

describe('it is joined', () => {
  it('from the moment the group takes it until it crashes or stops', async () => {
    const { joins, emit } = await consumer();
    expect(subscription.joined).toBe(false);
    for (const event of [EVENTS.CRASH, EVENTS.STOP]) {
      joins(0);
      expect(subscription.joined).toBe(true);
      emit(event, { restart: true });
      expect(subscription.joined).toBe(false);
    }
  });

  it('as long as the coordinator answers', async () => {
    const { joins, emit } = await consumer();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    joins(0);
    jest.advanceTimersByTime(5_000);
    emit(EVENTS.HEARTBEAT);
    emit(EVENTS.REBALANCING);
    jest.advanceTimersByTime(5_000);
    expect(subscription.joined).toBe(true);
    jest.advanceTimersByTime(2_000);
    expect(subscription.joined).toBe(false);
    joins(0);
    expect(subscription.joined).toBe(true);
  });
});

it('leaves the group once it has joined, however long others hold that up, and does not keep whoever stops it waiting', async () => {
  const first = await consumer();
  let join!: () => void;
  joining = new Promise((resolve) => (join = resolve));
  first.emit(EVENTS.CRASH, { error: new Error('gone'), restart: false });
  const second = await consumer(1);
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
  const stopped = subscription.stop();
  await jest.advanceTimersByTimeAsync(10_000);
  await stopped;
  expect(second.disconnected).toBe(0);
  join();
  await new Promise((resolve) => setImmediate(resolve));
  expect(second.disconnected).toBe(1);
});

it('leaves nothing behind when a consumer is replaced', async () => {
  await consumer();
  const before = getEventListeners(signal, 'abort').length;
  for (let n = 0; n < 3; n++) (await consumer(n)).emit(EVENTS.CRASH, { error: new Error('gone'), restart: false });
  await consumer(3);
  expect(getEventListeners(signal, 'abort')).toHaveLength(before);
});
