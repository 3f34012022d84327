import type { Database } from '@ballast/database';
import type { Sagas, SagaNews } from '@ballast/saga';
import { eventually } from '@ballast/testing';
import { OrderProgress, type Progress } from './order.progress.js';

/** Histories that grow, and what was asked of them. */
function setUp() {
  const histories = new Map<string, string[]>();
  const looks: ReadonlyMap<string, number>[] = [];
  let away = false;
  const sagas = {
    news: async (_: unknown, since: ReadonlyMap<string, number>) => {
      looks.push(new Map(since));
      if (away) throw new Error('away');
      const news = new Map<string, SagaNews>();
      for (const [id, seq] of since) {
        const entries = (histories.get(id) ?? [])
          .map((step, i) => ({ step, outcome: 'sent' as const, at: new Date(0), seq: i + 1 }))
          .slice(seq);
        if (entries.length) news.set(id, { status: 'RUNNING', entries });
      }
      return news;
    },
  } as unknown as Sagas;
  const progress = new OrderProgress({ primary: {} } as Database, sagas);
  stop = () => progress.beforeApplicationShutdown();
  return { progress, histories, looks, goAway: (is: boolean) => (away = is) };
}
let stop: () => Promise<void>;
afterEach(() => stop());

/** A listener, and the steps it was told last. */
function ear() {
  const told: string[][] = [];
  return { told, listen: ({ entries }: Progress) => void told.push(entries.map(({ step }) => step)) };
}

it('tells all listeners the whole progress, whenever there is more, with one query for all', async () => {
  const { progress, histories, looks } = setUp();
  const [one, two] = [ear(), ear()];
  progress.watch('a', one.listen);
  progress.watch('b', two.listen);
  histories.set('a', ['reserve']);
  await eventually(() => expect(one.told).toEqual([['reserve']]));
  histories.set('a', ['reserve', 'pay']);
  histories.set('b', ['reserve']);
  await eventually(() => expect([one.told, two.told]).toEqual([[['reserve'], ['reserve', 'pay']], [['reserve']]]));
  expect(looks.at(-1)).toEqual(
    new Map([
      ['a', expect.any(Number)],
      ['b', expect.any(Number)],
    ]),
  );
});

it('tells the others, and goes on, when one listener throws', async () => {
  const { progress, histories } = setUp();
  const [beside, elsewhere] = [ear(), ear()];
  progress.watch('a', () => {
    throw new Error('broken');
  });
  progress.watch('a', beside.listen);
  progress.watch('b', elsewhere.listen);
  histories.set('a', ['reserve']);
  histories.set('b', ['reserve']);
  await eventually(() => expect([beside.told, elsewhere.told]).toEqual([[['reserve']], [['reserve']]]));
});

it('tells at once what is known to who comes later, and outlasts a database that is away', async () => {
  const { progress, histories, goAway, looks } = setUp();
  const [one, late] = [ear(), ear()];
  progress.watch('a', one.listen);
  histories.set('a', ['reserve']);
  await eventually(() => expect(one.told).toHaveLength(1));
  goAway(true);
  const before = looks.length;
  histories.set('a', ['reserve', 'pay']);
  progress.watch('a', late.listen);
  expect(late.told).toEqual([['reserve']]);
  await eventually(() => expect(looks.length).toBeGreaterThan(before + 1));
  goAway(false);
  await eventually(() =>
    expect([one.told.at(-1), late.told.at(-1)]).toEqual([
      ['reserve', 'pay'],
      ['reserve', 'pay'],
    ]),
  );
});

it('asks for nothing once nobody listens, and again for who comes back', async () => {
  const { progress, histories, looks } = setUp();
  const one = ear();
  const leave = progress.watch('a', one.listen);
  await eventually(() => expect(looks.length).toBeGreaterThan(0));
  leave();
  expect(progress.follows('a')).toBe(false);
  await eventually(() => expect((progress as unknown as { running?: unknown }).running).toBeUndefined());
  const before = looks.length;
  histories.set('a', ['reserve']);
  progress.watch('a', one.listen);
  await eventually(() => expect(one.told).toEqual([['reserve']]));
  expect(looks[before]).toEqual(new Map([['a', 0]]));
});
