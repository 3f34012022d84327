import { randomUUID } from 'node:crypto';
import { pruneStatement } from '@ballast/database';
import { metricsText } from '@ballast/tracing';
import { eventually } from '@ballast/testing';
import { archiving } from '../src/archive.js';
import { SagaNotClosedError, SagaNotFoundError, SagaNotStuckError, SagaOperations, type SagaStatus } from '../src/index.js';
import { diaryOf, tripWorld, type TripWorld } from './fixture.js';
import { type TripService, unrejectable } from './trip.service.js';

let world: TripWorld;
let trips: TripService;
let operations: SagaOperations;

beforeAll(async () => {
  world = await tripWorld();
  trips = await world.startTrips();
  operations = trips.app.get(SagaOperations);
});
afterAll(() => world?.close());

const manager = () => trips.database.primary;
const ends = (id: string, status: SagaStatus) =>
  eventually(async () => expect((await trips.sagas.find(manager(), id))?.status).toBe(status), { timeout: 30_000 });
const listed = async (filter: { status?: SagaStatus; definition?: string } = {}) =>
  (await operations.list(manager(), { ...filter, limit: 100 })).map(({ id }) => id);
const abandon = (id: string) => trips.database.transaction((tx) => operations.abandon(tx, id, 'refunded by hand'));

/** A saga that is stuck past its pivot. */
async function stuck(): Promise<string> {
  const id = randomUUID();
  world.orders.refusals.set(`${id} issue-tickets`, 1_000);
  await trips.book(id);
  await ends(id, 'STUCK');
  return id;
}

it('lists sagas by state and definition, page by page, and shows one with its timeline', async () => {
  const done = randomUUID();
  await trips.book(done);
  await ends(done, 'COMPLETED');
  const [one, two] = [await stuck(), await stuck()];
  expect(await listed({ status: 'STUCK' })).toEqual([one, two]);
  expect(await listed()).toEqual([one, two]);
  expect(await listed({ status: 'COMPLETED' })).toContain(done);
  expect(await listed({ status: 'STUCK', definition: 'other.v1' })).toEqual([]);
  const [first] = await operations.list(manager(), { status: 'STUCK', limit: 1 });
  expect(first).toMatchObject({ id: one, step: 'issue tickets', direction: 'forward', attempts: 3, failure: { code: 'PRINTER_JAM' } });
  const [second] = await operations.list(manager(), { status: 'STUCK', limit: 1, after: first! });
  expect(second?.id).toBe(two);

  const shown = await operations.show(manager(), one);
  expect(shown).toMatchObject({ status: 'STUCK', state: { tripId: one } });
  expect(shown.timeline.at(-1)).toMatchObject({ step: 'issue tickets', outcome: 'stuck' });
  await expect(operations.show(manager(), randomUUID())).rejects.toThrow(SagaNotFoundError);
  for (const id of [one, two]) await abandon(id);
});

it('an abandoned saga has ended: onRejected is run with that code, nothing is taken back, and nobody counts it any more', async () => {
  const id = await stuck();
  await abandon(id);
  expect(await trips.sagas.find(manager(), id)).toMatchObject({
    status: 'ABANDONED',
    failure: { step: 'issue tickets', code: 'ABANDONED', message: 'refunded by hand' },
    finishedAt: expect.any(Date) as Date,
  });
  expect((await trips.sagas.timeline(manager(), id)).at(-1)).toMatchObject({ step: 'book-trip.v1', outcome: 'abandoned' });
  expect(await diaryOf(trips.database, id)).toEqual(['noted', 'rejected: issue tickets: ABANDONED']);
  expect((await world.effects(id)).sort()).toEqual(['book-room', 'book-seat', 'take-payment']);
  expect(await listed()).not.toContain(id);
  expect(await metricsText()).toMatch(/ballast_saga_duration_seconds_count\{definition="book-trip.v1",outcome="ABANDONED"\} [1-9]/);
  for (const again of [abandon(id), trips.database.transaction((tx) => operations.resume(tx, id))])
    await expect(again).rejects.toThrow(SagaNotStuckError);
  await expect(abandon(randomUUID())).rejects.toThrow(SagaNotFoundError);
});

it('a reply that comes after all does not move it', async () => {
  const id = randomUUID();
  world.orders.holding.add(`${id} take-payment`);
  await trips.book(id, 'hasty');
  await ends(id, 'STUCK');
  await abandon(id);
  // A replica of an older version does not know that ABANDONED is an end: by its rules, too, nothing is awaited.
  expect(await manager().query('SELECT awaiting, timer_at FROM saga WHERE id = $1', [id])).toEqual([{ awaiting: null, timer_at: null }]);
  await world.orders.release();
  const next = randomUUID(); // its replies are behind the late one
  await trips.book(next);
  await ends(next, 'COMPLETED');
  expect(await trips.sagas.find(manager(), id)).toMatchObject({ status: 'ABANDONED' });
});

it('is stuck as before when its onRejected fails: somebody has to hear of the end', async () => {
  const id = await stuck();
  unrejectable.add(id);
  await expect(abandon(id)).rejects.toThrow(SagaNotClosedError);
  expect(await trips.sagas.find(manager(), id)).toMatchObject({ status: 'STUCK', failure: { code: 'PRINTER_JAM' } });
  unrejectable.delete(id);
  await abandon(id);
  await ends(id, 'ABANDONED');
});

it('of two operators who abandon and resume at once, one does', async () => {
  const id = await stuck();
  world.orders.refusals.delete(`${id} issue-tickets`);
  const both = await Promise.allSettled([abandon(id), trips.database.transaction((tx) => operations.resume(tx, id))]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

it('is archived as it ended', async () => {
  const id = await stuck();
  await abandon(id);
  await manager().query(`UPDATE saga SET finished_at = now() - interval '8 days' WHERE id = $1`, [id]);
  await manager().query(pruneStatement(archiving(7 * 86_400_000)), [100, 7 * 86_400_000]);
  expect(await manager().query('SELECT status FROM saga_archive WHERE id = $1', [id])).toEqual([{ status: 'ABANDONED' }]);
  expect(await operations.show(manager(), id)).toMatchObject({ status: 'ABANDONED', failure: { code: 'ABANDONED' } });
});
