import { encode, event, type Envelope, type WireRecord } from '@ballast/message';
import { createLogger } from '@ballast/tracing';
import { z } from 'zod';
import { hurry, MemoryBatch, MemoryDatabase } from '../test/memory-ports.js';
import { DeadLetters } from './dead-letters.js';
import { Inbox } from './inbox.js';
import { Replies } from './replies.js';
import { ReplyWriter } from './reply-writer.js';
import { routerOf } from './wiring.js';

// Hundreds of schedules, each with its dead letters: what is logged of them would take most of the time.
jest.setTimeout(30_000);
beforeAll(() => void createLogger({ service: 'reader', level: 'silent' }));

/** One event in two versions; `happened` is the fact they tell. */
const payload = z.object({ happened: z.string() });
const versions = [1, 2].map((n) => event(`shop.happened.v${n}`, { key: () => 'k', payload }));
type Version = 1 | 2;

/** What the broker holds of the facts: each in these versions, one behind the other, under one id or, wrongly, under two. */
const published = (facts: readonly string[], order: readonly Version[], oneId = true): WireRecord[] =>
  facts.flatMap((fact) =>
    order.map((version) => {
      const { topic, type } = versions[version - 1]!;
      const id = oneId ? fact : `${fact}.${version}`;
      return encode(topic, { id, source: '/shop', type, key: 'k', time: new Date(0), payload: { happened: fact }, trace: {} });
    }),
  );

/** A replica of the consuming service that knows these versions. All replicas are one group, on one database. */
function replica(database: MemoryDatabase, known: readonly Version[], handle: (fact: string) => void): Inbox {
  const handlers = known.map((version) => ({
    definition: versions[version - 1]!,
    where: `Reader.v${version}`,
    call: async ({ payload }: Envelope) => {
      const { happened } = payload as { happened: string };
      handle(happened);
      database.state.effects.push(happened);
    },
  }));
  const replies = new ReplyWriter({ service: 'reader', outbox: database, clock: hurry, newId: () => 'r' });
  return new Inbox({
    group: 'reader',
    router: routerOf(handlers, new Replies()),
    ...{ database, store: database, replies, clock: hurry },
    deadLetters: new DeadLetters({ store: database, outbox: database, replies, service: 'reader' }),
    intents: { write: () => Promise.reject(new Error('no intents here')) },
    setCause: () => undefined,
  });
}

/** A replica reads some records; `crash`: it dies between their effect and their offset, so that they come again. */
interface Turn {
  replica: number;
  records: number;
  crash: boolean;
}

/** Every way in which two replicas can share so many records between them, with rebalances anywhere and one crash at most. */
function* schedules(left: number, mayCrash = true): Generator<Turn[]> {
  if (left === 0) return yield [];
  for (const replica of [0, 1])
    for (let records = 1; records <= left; records++) {
      for (const rest of schedules(left - records, mayCrash)) yield [{ replica, records, crash: false }, ...rest];
      if (mayCrash) for (const rest of schedules(left, false)) yield [{ replica, records, crash: true }, ...rest];
    }
}

interface Ends {
  effects: string[];
  dead: string[];
}

/** What comes of the facts under every schedule; each different end once. */
async function ends(records: readonly WireRecord[], known: readonly (readonly Version[])[], poison?: string): Promise<Ends[]> {
  const found = new Map<string, Ends>();
  for (const schedule of schedules(records.length)) {
    const database = new MemoryDatabase();
    const replicas = known.map((each) =>
      replica(database, each, (fact) => {
        if (fact === poison) throw new Error('poison');
      }),
    );
    let offset = 0;
    for (const turn of schedule) {
      const batch = new MemoryBatch(records.slice(offset, offset + turn.records), offset);
      batch.onCommit = () => {
        if (turn.crash) throw new Error('killed');
      };
      await replicas[turn.replica]!.onBatch(batch).catch(() => undefined);
      if (!turn.crash) offset += turn.records;
    }
    const end = { effects: database.state.effects, dead: database.state.letters.map((letter) => letter.messageId!) };
    found.set(JSON.stringify(end), end);
  }
  return [...found.values()];
}

const FACTS = ['a', 'b'];

describe('a fact that is published in two versions has one effect, whichever replica reads which of its records', () => {
  it.each<[string, Version[], Version[], Version[]]>([
    ['the old version beside one that takes both', [1], [1, 2], [1, 2]],
    ['one that takes both beside the new version alone', [1, 2], [2], [1, 2]],
    ['the old version beside one that takes both, newest first', [1], [1, 2], [2, 1]],
    ['one that takes both beside the new version alone, newest first', [1, 2], [2], [2, 1]],
  ])('%s', async (_, one, other, order) => {
    expect(await ends(published(FACTS, order), [one, other])).toEqual([{ effects: FACTS, dead: [] }]);
  });

  it('or one dead letter, and then the later ones of its key wait', async () => {
    expect(await ends(published(FACTS, [1, 2]), [[1], [1, 2]], 'a')).toEqual([{ effects: [], dead: FACTS }]);
    expect(await ends(published(FACTS, [1, 2]), [[1, 2], [2]], 'b')).toEqual([{ effects: ['a'], dead: ['b'] }]);
  });
});

describe('what makes it so', () => {
  it('is the one id: with two, some schedule doubles the effect', async () => {
    const all = await ends(published(['a'], [1, 2], false), [[1], [1, 2]]);
    expect(all).toContainEqual({ effects: ['a', 'a'], dead: [] });
  });

  it('is that neighbouring releases share a version: without, some schedule loses the fact', async () => {
    const all = await ends(published(['a'], [1, 2]), [[1], [2]]);
    expect(all).toContainEqual({ effects: [], dead: [] });
  });
});
