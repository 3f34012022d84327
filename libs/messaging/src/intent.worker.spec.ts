import { setImmediate } from 'node:timers/promises';
import { NoPrimaryError } from '@ballast/database';
import { z } from 'zod';
import type { ClaimedIntent, IntentStore } from './intent.store.js';
import { intent } from './intent.js';
import { IntentWorker, type IntentWorkerSettings } from './intent.worker.js';
import { Wakeup } from './wakeup.js';

const charge = intent('charge', z.object({}));
const away = () => Promise.reject(new NoPrimaryError('it is away'));

let now: number;
let calls: string[];
/** What ends each sleep, be it over or not. */
let sleeps: (AbortSignal | undefined)[];
let store: jest.Mocked<IntentStore>;
let stop: () => Promise<void>;
let worker: IntentWorker;
/** What the outside does with each attempt. */
let perform: () => Promise<() => undefined>;

beforeEach(() => {
  now = 0;
  calls = [];
  sleeps = [];
  let left: ClaimedIntent[] = [{ id: 'one', kind: 'charge', payload: {}, trace: {}, attempt: 1 }];
  store = {
    add: jest.fn(),
    takeBack: jest.fn(async (..._: Parameters<IntentStore['takeBack']>) => undefined),
    claim: jest.fn(async (..._: Parameters<IntentStore['claim']>) => left.splice(0)),
    settle: jest.fn(async (..._: Parameters<IntentStore['settle']>): ReturnType<IntentStore['settle']> => 'settled'),
    postpone: jest.fn(
      async (..._: Parameters<IntentStore['postpone']>) =>
        void (left = [{ id: 'one', kind: 'charge', payload: {}, trace: {}, attempt: 2 }]),
    ),
    bringForward: jest.fn(async (..._: Parameters<IntentStore['bringForward']>) => undefined),
    open: jest.fn(),
  };
});
afterEach(() => stop());

function start(): void {
  const clock = {
    now: () => new Date(now),
    sleep: async (ms: number, signal?: AbortSignal) => {
      sleeps.push(signal);
      now += ms;
      await setImmediate();
    },
  };
  const settings = {
    ...{ store, clock, wakeup: new Wakeup(), random: () => 0.5, inbox: { keepReplies: jest.fn() }, replies: {}, checkReply: jest.fn() },
    performer: { definition: charge, options: { concurrency: 2 }, perform: () => perform() },
    database: {
      transaction: (work: (tx: unknown) => unknown) => work({}),
      whenAvailable: async () => void calls.push('waited for the database'),
    },
  };
  worker = new IntentWorker(settings as unknown as IntentWorkerSettings);
  const stopping = new AbortController();
  const running = worker.run(stopping.signal);
  stop = async () => {
    stopping.abort();
    await running;
    await worker.close();
  };
}

const until = async (condition: () => boolean) => {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 10_000) throw new Error('it did not come to that');
    await setImmediate();
  }
};

it('that fails while the database is away is given back as soon as it is there again: nobody waits for the end of the claim', async () => {
  const SETTLE_TIME = 15_000;
  perform = jest
    .fn<Promise<() => undefined>, []>()
    .mockImplementationOnce(away)
    .mockResolvedValue(() => undefined);
  store.postpone.mockImplementationOnce(away).mockImplementationOnce(away);
  start();
  await until(() => store.settle.mock.calls.length > 0);
  expect(store.postpone).toHaveBeenCalledTimes(3);
  expect(calls).toHaveLength(2);
  expect(store.settle.mock.calls[0]![1]).toMatchObject({ id: 'one', attempt: 2 });
  expect(now).toBeLessThan(SETTLE_TIME);
});

it('that was claimed by a statement whose answer was lost is taken back, those at work are not', async () => {
  let finish!: () => void;
  perform = () => new Promise((resolve) => (finish = () => resolve(() => undefined)));
  start();
  await until(() => store.claim.mock.calls.length > 1);
  expect(store.takeBack.mock.calls).toEqual([['charge', []]]);
  store.claim.mockImplementationOnce(away);
  await until(() => store.takeBack.mock.calls.length > 1);
  expect(store.takeBack.mock.calls[1]).toEqual(['charge', ['one']]);
  finish();
});

describe('that is written where a place is free', () => {
  const written = (id: string): ClaimedIntent => ({ id, kind: 'charge', payload: {}, trace: {}, attempt: 1 });
  let performing: (() => void)[];
  beforeEach(async () => {
    store.claim.mockImplementation(async () => []);
    performing = [];
    perform = () => new Promise((resolve) => performing.push(() => resolve(() => undefined)));
    start();
    await until(() => store.claim.mock.calls.length > 0);
  });
  afterEach(() => performing.forEach((finish) => finish()));

  it('is performed after the commit without being claimed again, and is not taken back meanwhile', async () => {
    expect(worker.reserve('new')).toBe(45_000);
    store.claim.mockImplementationOnce(away);
    await until(() => store.takeBack.mock.calls.length > 1);
    expect(store.takeBack.mock.calls.at(-1)).toEqual(['charge', ['new']]);
    worker.begin(written('new'));
    await until(() => performing.length === 1);
    performing[0]!();
    await until(() => store.settle.mock.calls.length > 0);
    expect(store.settle.mock.calls[0]![1]).toEqual(written('new'));
  });

  it('has a place only while one is free, and none before the start or after the stop', async () => {
    expect([worker.reserve('a'), worker.reserve('b'), worker.reserve('c')]).toEqual([45_000, 45_000, undefined]);
    worker.begin(written('a'));
    worker.begin(written('b'));
    await until(() => performing.length === 2);
    expect(worker.reserve('c')).toBeUndefined();
    performing.forEach((finish) => finish());
    await until(() => store.settle.mock.calls.length === 2);
    await until(() => worker.reserve('d') !== undefined);
    await stop();
    expect(worker.reserve('e')).toBeUndefined();
  });

  it('loses its place when its transaction tells nothing for long: what it may have claimed is taken back', async () => {
    worker.reserve('silent');
    const before = store.takeBack.mock.calls.length;
    await until(() => store.takeBack.mock.calls.length > before);
    expect(store.takeBack.mock.calls.at(-1)).toEqual(['charge', []]);
    expect(now).toBeGreaterThan(15_000);
    // It did commit, late: it comes again by a claim.
    worker.begin(written('silent'));
    await until(() => store.takeBack.mock.calls.length > before + 1);
    expect(performing).toHaveLength(0);
  });

  it('waits for its turn when others took all places since: no more run at once than may', async () => {
    worker.reserve('a');
    store.claim.mockImplementationOnce(async () => [written('x'), written('y')]);
    await until(() => performing.length === 2);
    const before = store.takeBack.mock.calls.length;
    worker.begin(written('a'));
    await until(() => store.takeBack.mock.calls.length > before);
    expect(store.takeBack.mock.calls.at(-1)).toEqual(['charge', ['x', 'y']]);
    expect(performing).toHaveLength(2);
  });
});

const outage = (attempts: number) => {
  let left = attempts;
  perform = async () => {
    if (left-- > 0) throw new Error('it is away');
    return () => undefined;
  };
};

it('brings forward what was postponed when the first answer after an outage comes', async () => {
  outage(5);
  start();
  await until(() => store.settle.mock.calls.length === 1);
  expect(store.bringForward.mock.calls).toEqual([['charge', 2_000]]);
});

it('takes a few failures for no outage, nor an answer after one for its end again', async () => {
  outage(4);
  start();
  await until(() => store.settle.mock.calls.length === 1);
  expect(store.bringForward).not.toHaveBeenCalled();
});

it('sleeps no more once it is closed, although something was put off for later', async () => {
  outage(1);
  start();
  await until(() => store.postpone.mock.calls.length === 1);
  await stop();
  expect(sleeps.length).toBeGreaterThan(0);
  expect(sleeps.filter((signal) => !signal?.aborted)).toEqual([]);
});
