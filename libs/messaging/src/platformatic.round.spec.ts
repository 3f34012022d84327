import type { ConnectionPool, Consumer, fetchV17 } from '@platformatic/kafka';
import { StaleBatchError } from './batch-session.js';
import type { PlatformaticGroup } from './platformatic.group.js';
import { PlatformaticRound } from './platformatic.round.js';
import { Slot } from './platformatic.slot.js';
import type { Batch } from './transport.js';

const TOPIC = 'shop.events';
const ID = '11111111-1111-1111-1111-111111111111';
const answer = (apiId: string) => Object.assign(new Error(apiId), { apiId });

let heartbeat: () => Promise<void>;
let commit: () => Promise<void>;
let beats: number;
let committed: [number, bigint][];
let asked: bigint[];
/** Twelve records in each partition. */
const END = 12n;

/** The client as far as a round uses it: one broker that leads everything. */
const consumer = {
  metadata: async () => ({ topics: new Map([[TOPIC, { id: ID, partitions: Array.from({ length: 12 }, () => ({ leader: 1 })) }]]) }),
  clearMetadata: () => undefined,
  fetch: async ({ topics }: { topics: fetchV17.FetchRequestTopic[] }) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const partitions = topics[0]!.partitions.map(({ partition, fetchOffset }) => {
      asked.push(fetchOffset);
      return { partitionIndex: partition, highWatermark: END, records: fetchOffset < END ? [batchAt(fetchOffset)] : [] };
    });
    return { responses: [{ topicId: ID, partitions }] };
  },
} as unknown as Consumer;

/** Batches of four, as they were written: a position in the middle gets the whole. */
function batchAt(offset: bigint) {
  const records = [0, 1, 2, 3].map((offsetDelta) => ({ offsetDelta, key: Buffer.from('k'), value: Buffer.from('v'), headers: [] }));
  return { attributes: 0, firstOffset: (offset / 4n) * 4n, lastOffsetDelta: 3, records };
}

const group = {
  heartbeat: () => (beats++, heartbeat()),
  commit: async (_: string, partition: number, offset: bigint) => {
    await commit();
    committed.push([partition, offset]);
  },
} as unknown as PlatformaticGroup;

const connections = () => ({ close: async () => undefined }) as unknown as ConnectionPool;
const offsetsOf = ({ records }: Batch) => records.map(({ offset }) => Number(offset));
const endOf = ({ records }: Batch) => String(Number(records.at(-1)!.offset) + 1);

let stop: AbortController;
let batches: Batch[];
let round: Promise<void>;

function start(onBatch: (batch: Batch) => Promise<void>, partitions = [0]): void {
  const slots = partitions.map((partition) => new Slot(TOPIC, partition, 0n));
  const settings = { consumer, group, newConnections: connections, slots, heard: () => undefined };
  round = new PlatformaticRound({ ...settings, onBatch: (batch) => (batches.push(batch), onBatch(batch)) }).run(stop.signal);
  round.catch(() => undefined);
}
const until = async (done: () => boolean) => {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5));
};

beforeEach(() => {
  [beats, committed, asked, batches, stop] = [0, [], [], [], new AbortController()];
  heartbeat = commit = async () => undefined;
});
afterEach(async () => {
  stop.abort();
  await round.catch(() => undefined);
});

it('hands over each record once, in order, and skips what lies before its position', async () => {
  start(async (batch) => batch.commit(batches.length === 1 ? '2' : endOf(batch)));
  await until(() => committed.some(([, offset]) => offset === END));
  expect(batches.map(offsetsOf).flat()).toEqual([0, 1, 2, 3, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

it('works on four partitions at once, and on one batch of each', async () => {
  const at = new Map<number, number>();
  let most = 0;
  start(
    async (batch) => {
      expect(at.get(batch.partition) ?? 0).toBe(0);
      at.set(batch.partition, 1);
      most = Math.max(
        most,
        [...at.values()].reduce((a, b) => a + b),
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      at.set(batch.partition, 0);
      await batch.commit(endOf(batch));
    },
    [0, 1, 2, 3, 4, 5],
  );
  await until(() => committed.filter(([, offset]) => offset === END).length === 6);
  expect(most).toBe(4);
});

it('a rebalance: batches end, what is done may be committed, and the round is over only when they have let go', async () => {
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  start(async (batch) => {
    await held;
    await batch.commit('1');
  });
  await until(() => batches.length === 1);
  expect(batches[0]!.active).toBe(true);
  heartbeat = () => Promise.reject(answer('REBALANCE_IN_PROGRESS'));
  await until(() => !batches[0]!.active);
  await expect(batches[0]!.heartbeat()).rejects.toThrow(StaleBatchError);
  let over = false;
  void round.then(() => (over = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(over).toBe(false);
  release();
  await round;
  expect(committed).toEqual([[0, 1n]]);
  expect(batches).toHaveLength(1);
  await expect(batches[0]!.commit('2')).rejects.toThrow(StaleBatchError);
});

it.each(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'NOT_COORDINATOR', 'FENCED_INSTANCE_ID'])(
  '%s is a fault: nothing is committed any more',
  async (answered) => {
    let refused: unknown;
    start(async (batch) => {
      heartbeat = () => Promise.reject(answer(answered));
      await until(() => !batch.active);
      refused = await batch.commit('1').catch((error: unknown) => error);
    });
    await expect(round).rejects.toThrow(answered);
    expect(refused).toBeInstanceOf(StaleBatchError);
    expect(committed).toEqual([]);
  },
);

it('a refused commit ends the round', async () => {
  commit = () => Promise.reject(answer('ILLEGAL_GENERATION'));
  start((batch) => batch.commit(endOf(batch)));
  await expect(round).rejects.toThrow('ILLEGAL_GENERATION');
  expect(batches).toHaveLength(1);
});

it('gives a failed batch again, after a rest', async () => {
  start(async (batch) => {
    if (batches.length === 1) throw new Error('not yet');
    await batch.commit(endOf(batch));
  });
  await until(() => committed.some(([, offset]) => offset === END));
  expect(batches.slice(0, 2).map(offsetsOf)).toEqual([
    [0, 1, 2, 3],
    [0, 1, 2, 3],
  ]);
});

it('does not beat for a handler that is stuck', async () => {
  start(() => until(() => stop.signal.aborted));
  await until(() => batches.length === 1);
  jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 3_500);
  const before = beats;
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(beats).toBe(before);
  jest.restoreAllMocks();
});

it('looks its positions up again when one is out of range', async () => {
  const { fetch } = consumer;
  consumer.fetch = (() => Promise.reject(answer('OFFSET_OUT_OF_RANGE'))) as never;
  start(async () => undefined);
  await expect(round).rejects.toThrow('OFFSET_OUT_OF_RANGE');
  consumer.fetch = fetch;
});
