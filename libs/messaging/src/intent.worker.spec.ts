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
let store: jest.Mocked<IntentStore>;
let stop: () => Promise<void>;
/** What the outside does with each attempt. */
let perform: () => Promise<() => undefined>;

beforeEach(() => {
  now = 0;
  calls = [];
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
    open: jest.fn(),
  };
});
afterEach(() => stop());

function start(): void {
  const clock = {
    now: () => new Date(now),
    sleep: async (ms: number) => {
      now += ms;
      await setImmediate();
    },
  };
  const settings = {
    ...{ store, clock, wakeup: new Wakeup(), random: () => 0.5, inbox: { keepReplies: jest.fn() }, replies: {}, checkReply: jest.fn() },
    performer: { definition: charge, options: {}, perform: () => perform() },
    database: {
      transaction: (work: (tx: unknown) => unknown) => work({}),
      whenAvailable: async () => void calls.push('waited for the database'),
    },
  };
  const worker = new IntentWorker(settings as unknown as IntentWorkerSettings);
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
