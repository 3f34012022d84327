import { CommitUnknownError, NoPrimaryError } from '@ballast/database';
import { encode, event, type Envelope } from '@ballast/message';
import { createLogger, metricsText } from '@ballast/tracing';
import { z } from 'zod';
import { hurry, MemoryBatch, MemoryDatabase } from '../test/memory-ports.js';
import { DeadLetters } from './dead-letters.js';
import { Inbox } from './inbox.js';
import { exposeLag } from './lag.js';
import { ReplyWriter } from './reply-writer.js';
import { Replies } from './replies.js';
import { routerOf } from './wiring.js';

const happened = event('shop.happened.v1', { key: (p) => p.key, payload: z.object({ key: z.string(), n: z.number() }) });
const recordOf = (n: number, key = 'k') =>
  encode(happened.topic, { id: `m${n}`, source: '/t', type: happened.type, key, time: new Date(), payload: { key, n }, trace: {} });
const upTo = (count: number) => Array.from({ length: count }, (_, n) => recordOf(n));

function setUp(handle: (n: number, database: MemoryDatabase) => void = () => undefined) {
  const database = new MemoryDatabase();
  const call = async ({ payload }: Envelope) => {
    const { n } = payload as { n: number };
    handle(n, database);
    database.state.effects.push(String(n));
  };
  const replies = new ReplyWriter({ service: 'reader', outbox: database, clock: hurry, newId: () => 'r' });
  const inbox = new Inbox({
    group: 'reader',
    router: routerOf([{ definition: happened, where: 'Test.on', call }], new Replies()),
    ...{ database, store: database, replies, clock: hurry },
    deadLetters: new DeadLetters({ store: database, outbox: database, replies, service: 'reader' }),
    intents: { write: () => Promise.reject(new Error('no intents here')) },
    setCause: () => undefined,
  });
  return { inbox, database };
}

it('shares a transaction among at most 64 messages and commits each offset after its effect', async () => {
  const { inbox, database } = setUp();
  const batch = new MemoryBatch(upTo(150));
  const effectsAtCommit: number[] = [];
  batch.onCommit = () => effectsAtCommit.push(database.state.effects.length);
  await inbox.onBatch(batch);
  expect(database.transactions).toBe(3);
  expect(effectsAtCommit).toEqual([64, 128, 150]);
  expect(batch.committed).toBe('150');
});

it('says what became of each message', async () => {
  const lines: string[] = [];
  createLogger({ service: 'reader', destination: { write: (line) => lines.push(line) } });
  await setUp().inbox.onBatch(new MemoryBatch([recordOf(1), recordOf(1)]));
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === 'message');
  const common = { type: happened.type, key: 'k', messageId: 'm1' };
  expect(said).toMatchObject([
    { ...common, outcome: 'handled' },
    { ...common, outcome: 'duplicate' },
  ]);
});

it('has each effect once, whatever part of a batch comes again', async () => {
  const { inbox, database } = setUp();
  const records = upTo(10);
  await inbox.onBatch(new MemoryBatch(records));
  await inbox.onBatch(new MemoryBatch(records.slice(3), 3));
  await inbox.onBatch(new MemoryBatch([records[5]!, records[5]!, recordOf(10), recordOf(10)], 20));
  expect(database.state.effects).toEqual(Array.from({ length: 11 }, (_, n) => String(n)));
});

it.each([
  ['no primary', new NoPrimaryError('gone')],
  ['a deadlock', Object.assign(new Error('deadlock detected'), { code: '40P01' })],
  ['a wait for a lock', Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' })],
  ['a full disk', Object.assign(new Error('could not extend file'), { code: '53100' })],
])('tries again after %s, however often, and counts nothing', async (_, error) => {
  let failures = 20;
  const { inbox, database } = setUp((n) => {
    if (n === 1 && failures-- > 0) throw error;
  });
  await inbox.onBatch(new MemoryBatch(upTo(3)));
  expect(database.state.effects).toEqual(['0', '1', '2']);
  expect(database.state.letters).toEqual([]);
});

it.each([true, false])('finds out after an unknown commit whether it happened (%s)', async (committed) => {
  const { inbox, database } = setUp();
  let once = true;
  database.onCommit = () => {
    if (!once) return;
    once = false;
    return { error: new CommitUnknownError(new Error('reset')), committed };
  };
  await inbox.onBatch(new MemoryBatch(upTo(3)));
  expect(database.state.effects).toEqual(['0', '1', '2']);
});

it('does not blame a message for a failure before its handler', async () => {
  const { inbox, database } = setUp();
  const claim = database.claim.bind(database);
  let failures = 10;
  database.claim = (...args) => (failures-- > 0 ? Promise.reject(new Error('permission denied for table inbox')) : claim(...args));
  await inbox.onBatch(new MemoryBatch(upTo(2)));
  expect(database.state).toMatchObject({ effects: ['0', '1'], letters: [] });
});

it('sets only the culprit aside, and later messages of its key', async () => {
  const { inbox, database } = setUp((n) => {
    if (n === 1) throw new Error('poison');
  });
  await inbox.onBatch(new MemoryBatch([recordOf(0, 'a'), recordOf(1, 'b'), recordOf(2, 'a'), recordOf(3, 'b')]));
  await inbox.onBatch(new MemoryBatch([recordOf(4, 'b'), recordOf(5, 'c')], 4));
  expect(database.state.effects).toEqual(['0', '2', '5']);
  expect(database.state.letters.map((l) => [l.messageId, l.reason, l.attempts])).toEqual([
    ['m1', 'HANDLER_FAILED', 3],
    ['m3', 'KEY_PARKED', 0],
    ['m4', 'KEY_PARKED', 0],
  ]);
  expect(database.state.outbox.map((r) => r.topic)).toEqual(['shop.events.dlq', 'shop.events.dlq', 'shop.events.dlq']);
});

it('lets go of a batch that is no longer its own, without committing what it did not do', async () => {
  const batch = new MemoryBatch(upTo(200));
  const { inbox, database } = setUp((n) => {
    if (n === 70) batch.active = false;
  });
  await inbox.onBatch(batch);
  expect(database.state.effects).toHaveLength(128);
  expect(batch.committed).toBe('128');
});

it('leaves alone, one by one too, what is no longer its own', async () => {
  const batch = new MemoryBatch(upTo(4));
  const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' });
  const { inbox, database } = setUp((n, { transactions }) => {
    if (transactions === 1) throw deadlock;
    if (n === 1) batch.active = false;
  });
  await inbox.onBatch(batch);
  expect(database.state.effects).toEqual(['0', '1']);
  expect(batch.committed).toBeUndefined();
});

describe('a statement that runs out of time', () => {
  const late = Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
  const batchOf = (partition: number, from: number) =>
    Object.assign(new MemoryBatch([recordOf(from, `${partition}`), recordOf(from + 1, `${partition}`)]), { partition });

  it('is tried again a few times, and counts for nothing when it passes then', async () => {
    let failures = 5;
    const { inbox, database } = setUp((n) => {
      if (n === 1 && failures-- > 0) throw late;
    });
    await inbox.onBatch(new MemoryBatch(upTo(3)));
    expect(database.state).toMatchObject({ effects: ['0', '1', '2'], letters: [] });
  });

  it('does not stop its partition for good when it is one message that is too slow', async () => {
    const { inbox, database } = setUp((n) => {
      if (n === 1) throw late;
    });
    await inbox.onBatch(new MemoryBatch([recordOf(0, 'a'), recordOf(1, 'b'), recordOf(2, 'a')]));
    expect(database.state.effects).toEqual(['0', '2']);
    expect(database.state.letters.map((l) => [l.messageId, l.reason, l.attempts])).toEqual([['m1', 'HANDLER_FAILED', 3]]);
  });

  it('is nobody’s fault while all are slow, for however long', async () => {
    let slow = 200;
    const { inbox, database } = setUp(() => {
      if (slow-- > 0) throw late;
    });
    await Promise.all([inbox.onBatch(batchOf(0, 0)), inbox.onBatch(batchOf(1, 10))]);
    expect(database.state.letters).toEqual([]);
    expect(database.state.effects.sort()).toEqual(['0', '1', '10', '11']);
  });

  it('is the message’s own fault while others pass, whoever else is slow', async () => {
    const { inbox, database } = setUp((n) => {
      if (n === 0 || n === 10) throw late;
    });
    const others = async () => {
      for (let from = 20; database.state.letters.length < 4; from += 2) {
        await inbox.onBatch(batchOf(2, from));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all([inbox.onBatch(batchOf(0, 0)), inbox.onBatch(batchOf(1, 10)), others()]);
    expect(database.state.letters.map((l) => l.messageId).sort()).toEqual(['m0', 'm1', 'm10', 'm11']);
  });
});

it('beats while it waits for the database, and ends with the error when the membership is lost', async () => {
  const { inbox, database } = setUp(() => {
    throw new NoPrimaryError('gone');
  });
  database.available = () => new Promise(() => undefined);
  const batch = new MemoryBatch(upTo(2));
  let beats = 0;
  batch.heartbeat = async () => {
    if (++beats > 5) throw new Error('REBALANCE_IN_PROGRESS');
  };
  await expect(inbox.onBatch(batch)).rejects.toThrow('REBALANCE_IN_PROGRESS');
  expect(batch.committed).toBeUndefined();
  expect(database.state.letters).toEqual([]);
});

it('does at once one by one what deadlocks together', async () => {
  let handledIn = -1;
  const { inbox, database } = setUp((n, { transactions }) => {
    if (handledIn === transactions) throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
    handledIn = transactions;
  });
  await inbox.onBatch(new MemoryBatch(upTo(4)));
  expect(database.state).toMatchObject({ effects: ['0', '1', '2', '3'], letters: [] });
  expect(database.transactions).toBe(5);
});

it('shows a partition’s lag from the batch’s begin on, while it is retried too, and no more once it is another’s', async () => {
  exposeLag();
  const lag = async () => /^ballast_consumer_lag\{topic="shop.events",partition="0"\} (\d+)$/m.exec(await metricsText())?.[1];
  let away = true;
  const { inbox } = setUp((n) => {
    if (n === 64 && away) throw new NoPrimaryError('gone');
  });
  const batch = Object.assign(new MemoryBatch(upTo(100)), { lag: 7 });
  let beaten!: () => void;
  const stuck = new Promise<void>((resolve) => (beaten = resolve));
  batch.heartbeat = async () => {
    if (batch.committed === '64') beaten();
  };
  const working = inbox.onBatch(batch);
  expect(await lag()).toBe('107');
  await stuck;
  expect(await lag()).toBe('43');
  away = false;
  await working;
  expect(await lag()).toBe('7');
  batch.active = false; // idle, and then given to somebody else
  expect(await lag()).toBeUndefined();
});
