import type { Database } from '@ballast/database';
import { SagaDeadlines } from './deadlines.js';
import { resolveOptions } from './options.js';
import type { PostgresSagaStore } from './postgres-store.js';
import { SagaRegistry } from './registry.js';
import type { SagaRuntime } from './runtime.js';
import type { DueSaga } from './store.js';

const TICK = 1_000;

let due: DueSaga[];
let ticks: number;
let passes: number;
/** What firing a timer comes to; sagas that are not named advance. */
let fire: (id: string) => Promise<boolean>;
let fired: string[];
const platform = { connected: true, consuming: true, writable: true, available: true };

/** One tick of the loop after the other, each when the test asks for it. */
let next: () => Promise<void>;
let stop: () => Promise<void>;
const settled = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  due = [];
  ticks = passes = 0;
  fired = [];
  fire = () => Promise.resolve(true);
  Object.assign(platform, { connected: true, consuming: true, writable: true, available: true });
  const store = {
    tick: async () => void ticks++,
    postpone: async (id: string) => void (due = due.filter((saga) => saga.id !== id)),
    due: async (_names: readonly string[], limit: number, after?: DueSaga) => {
      passes++;
      return due.filter((saga) => !after || saga.timerAt > after.timerAt).slice(0, limit);
    },
  };
  const runtime = {
    fire: async (id: string) => {
      fired.push(id);
      const advanced = await fire(id);
      if (advanced) due = due.filter((saga) => saga.id !== id);
      return advanced;
    },
  };
  let now = 0;
  let wake: (() => void) | undefined;
  const clock = {
    now: () => new Date(now),
    sleep: (ms: number) =>
      new Promise<void>((resolve) => {
        wake = () => {
          now += ms;
          resolve();
        };
      }),
  };
  const deadlines = new SagaDeadlines(
    store as unknown as PostgresSagaStore,
    runtime as unknown as SagaRuntime,
    new SagaRegistry(),
    platform as unknown as Database,
    resolveOptions({ service: 'trips', transport: platform, tick: TICK, grace: 2 * TICK, clock }),
  );
  next = async () => {
    wake?.();
    await settled();
  };
  stop = async () => {
    const stopped = deadlines.beforeApplicationShutdown();
    wake?.();
    await stopped;
  };
  deadlines.onApplicationBootstrap();
});
afterEach(() => stop());

const sagas = (name: string, count: number): DueSaga[] => Array.from({ length: count }, (_, i) => ({ id: `${name} ${i}`, timerAt: i }));
const afterGrace = async () => {
  for (let i = 0; i < 3; i++) await next();
};

it.each(['connected', 'consuming', 'writable', 'available'] as const)(
  'lets the clock rest while the platform is not %s, and the grace period after it',
  async (what) => {
    await afterGrace();
    expect(ticks).toBeGreaterThan(0);
    platform[what] = false;
    await next();
    const before = ticks;
    for (let i = 0; i < 5; i++) await next();
    expect(ticks).toBe(before);
    platform[what] = true;
    await next();
    await next();
    expect(ticks).toBe(before);
    await next();
    expect(ticks).toBe(before + 1);
  },
);

describe('sagas that stand still', () => {
  beforeEach(() => {
    fire = async (id) => !id.startsWith('held');
    due = [...sagas('held', 50), { id: 'free', timerAt: 99 }];
  });

  it('cost one look each tick', async () => {
    await afterGrace();
    const before = passes;
    for (let i = 0; i < 10; i++) await next();
    expect(passes).toBe(before + 10);
  });

  it('do not hold up those that are due after them', async () => {
    await afterGrace();
    for (let i = 0; i < 3; i++) await next();
    expect(fired).toContain('free');
  });

  it('are tried again', async () => {
    await afterGrace();
    for (let i = 0; i < 3; i++) await next();
    fired = [];
    for (let i = 0; i < 3; i++) await next();
    expect(fired).toEqual(expect.arrayContaining(sagas('held', 50).map(({ id }) => id)));
  });

  it('that fail because somebody is in the way are of that kind too', async () => {
    fire = () => Promise.reject(Object.assign(new Error('lock not available'), { code: '55P03' }));
    await afterGrace();
    const before = passes;
    await next();
    expect(passes).toBe(before + 1);
  });
});

it('fires all that are due without waiting for ticks', async () => {
  due = sagas('trip', 100);
  await next();
  await next();
  await settled();
  expect(due).toEqual([]);
  expect(ticks).toBe(1);
});

it('lets the clock go on while timers take their time, and does not fire them twice', async () => {
  due = sagas('slow', 1);
  let finish!: () => void;
  fire = () => new Promise((resolve) => (finish = () => resolve(true)));
  await afterGrace();
  const before = ticks;
  for (let i = 0; i < 5; i++) await next();
  expect(ticks).toBe(before + 5);
  expect(fired).toEqual(['slow 0']);
  finish();
});
