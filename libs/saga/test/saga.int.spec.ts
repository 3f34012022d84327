import { randomUUID } from 'node:crypto';
import { eventually } from '@ballast/testing';
import { SagaNotStuckError, UnregisteredSagaError, saga, type SagaStatus } from '../src/index.js';
import { diaryOf, tripWorld, type TripWorld } from './fixture.js';
import type { TripService } from './trip.service.js';

let world: TripWorld;
let trips: TripService;
const broken = randomUUID();

beforeAll(async () => {
  world = await tripWorld();
  trips = await world.startTrips({ breaks: broken });
});
afterAll(() => world?.close());

const manager = () => trips.database.primary;
const ends = (id: string, status: SagaStatus) =>
  eventually(async () => expect((await trips.sagas.find(manager(), id))?.status).toBe(status), { timeout: 30_000 });
const told = async (id: string) =>
  (await trips.sagas.timeline(manager(), id)).map(({ step, outcome, code }) => [step, outcome, code].filter(Boolean).join(' '));

const everything = ['book-room', 'book-seat', 'issue-tickets', 'take-payment'];

it('completes, step after step, each done once', async () => {
  const id = randomUUID();
  await trips.book(id);
  await ends(id, 'COMPLETED');

  expect(await told(id)).toEqual([
    'book-trip.v1 started',
    'book hotel sent',
    'book hotel succeeded',
    'note trip succeeded',
    'book flight sent',
    'book flight succeeded',
    'pay sent',
    'pay succeeded',
    'issue tickets sent',
    'issue tickets succeeded',
    'close trip succeeded',
    'book-trip.v1 completed',
  ]);
  expect((await world.effects(id)).sort()).toEqual(everything);
  expect(await diaryOf(trips.database, id)).toEqual(['closed', 'noted']);
  const view = await trips.sagas.find(manager(), id);
  expect(view).toMatchObject({ id, definition: 'book-trip.v1', state: { tripId: id, room: '12' }, status: 'COMPLETED' });
  expect(view?.finishedAt).toBeInstanceOf(Date);
  expect(view?.step).toBeUndefined();
});

it('rejects when the pivot is refused: what was done is undone in reverse, and told with the reason', async () => {
  const id = randomUUID();
  world.orders.refusals.set(`${id} take-payment`, 1);
  await trips.book(id);
  await ends(id, 'COMPENSATED');

  expect((await told(id)).slice(6)).toEqual([
    'pay sent',
    'pay failed CARD_REFUSED',
    'book flight undo-sent',
    'book flight undone',
    'note trip undone',
    'book hotel undo-sent',
    'book hotel undone',
    'book-trip.v1 compensated',
  ]);
  expect((await world.effects(id)).sort()).toEqual(['book-room', 'book-seat', 'cancel-room', 'cancel-seat']);
  expect(await diaryOf(trips.database, id)).toEqual(['noted', 'rejected: pay: CARD_REFUSED', 'struck']);
});

it('undoes a step whose reply was lost, when its deadline is over; the reply that comes after all changes nothing', async () => {
  const id = randomUUID();
  world.orders.holding.add(`${id} book-seat`);
  await trips.book(id, 'hasty');
  await ends(id, 'COMPENSATED');
  expect(world.orders.isHeld(id, 'book-seat')).toBe(true);
  await world.orders.release();

  const next = randomUUID(); // its replies are behind the late one
  await trips.book(next);
  await ends(next, 'COMPLETED');
  expect((await told(id)).slice(4)).toEqual([
    'book flight sent',
    'book flight timed-out',
    'book flight undo-sent',
    'book flight undone',
    'note trip undone',
    'book hotel undo-sent',
    'book hotel undone',
    'hasty-trip.v1 compensated',
  ]);
  expect((await world.effects(id)).sort()).toEqual(['book-room', 'book-seat', 'cancel-room', 'cancel-seat']);
});

it('asks a pivot again whose reply was lost, and gets the same answer: paid once', async () => {
  const id = randomUUID();
  world.orders.holding.add(`${id} take-payment`);
  await trips.book(id, 'hasty');
  await eventually(() => expect(world.orders.isHeld(id, 'take-payment')).toBe(true));
  world.orders.holding.delete(`${id} take-payment`);
  world.orders.lose();
  await ends(id, 'COMPLETED');

  expect(await told(id)).toEqual(expect.arrayContaining(['pay timed-out', 'pay succeeded']));
  expect((await world.effects(id)).sort()).toEqual(everything);
});

describe('a poison command, one whose handler breaks each time: its saga ends', () => {
  it('before the pivot by a compensation; nothing of the broken work stays, and a dead letter says why', async () => {
    const id = randomUUID();
    world.orders.poison.add(`${id} book-seat`);
    await trips.book(id);
    await ends(id, 'COMPENSATED');

    expect((await told(id)).slice(4)).toEqual([
      'book flight sent',
      'book flight failed HANDLER_FAILED',
      'note trip undone',
      'book hotel undo-sent',
      'book hotel undone',
      'book-trip.v1 compensated',
    ]);
    expect((await world.effects(id)).sort()).toEqual(['book-room', 'cancel-room']);
    const letters = await world.deadLetters(id);
    expect(letters.map(({ reason }) => reason)).toEqual(['HANDLER_FAILED']);
    expect(letters[0]!.error).toContain('no seat map for this aircraft');
  });

  it('past the pivot as STUCK, which a resume ends once its handler is repaired', async () => {
    const id = randomUUID();
    world.orders.poison.add(`${id} issue-tickets`);
    await trips.book(id);
    await ends(id, 'STUCK');

    world.orders.poison.delete(`${id} issue-tickets`);
    await trips.database.transaction((tx) => trips.sagas.resume(tx, id));
    await ends(id, 'COMPLETED');
    expect((await world.effects(id)).sort()).toEqual(everything);
  });
});

it('tries a step past the pivot again, then is STUCK; a resume goes on from there', async () => {
  const id = randomUUID();
  world.orders.refusals.set(`${id} issue-tickets`, 4);
  await trips.book(id);
  await ends(id, 'STUCK');
  expect(await trips.sagas.find(manager(), id)).toMatchObject({
    step: 'issue tickets',
    failure: { step: 'issue tickets', code: 'PRINTER_JAM' },
  });
  expect((await told(id)).filter((line) => line === 'issue tickets failed PRINTER_JAM')).toHaveLength(3);

  await trips.database.transaction((tx) => trips.sagas.resume(tx, id));
  await ends(id, 'COMPLETED');
  expect((await world.effects(id)).sort()).toEqual(everything);
  await expect(trips.database.transaction((tx) => trips.sagas.resume(tx, id))).rejects.toThrow(SagaNotStuckError);
});

it('goes on by itself when the reply comes after it was STUCK', async () => {
  const id = randomUUID();
  world.orders.holding.add(`${id} take-payment`);
  await trips.book(id, 'hasty');
  await ends(id, 'STUCK');
  await world.orders.release();
  await ends(id, 'COMPLETED');
  expect((await world.effects(id)).sort()).toEqual(everything);
});

it('takes failed local work for a refusal, and nothing that it wrote stays', async () => {
  await trips.book(broken);
  await ends(broken, 'COMPENSATED');
  expect(await diaryOf(trips.database, broken)).toEqual(['rejected: note trip: STEP_FAILED']);
  expect((await world.effects(broken)).sort()).toEqual(['book-room', 'cancel-room']);
});

it('starts with the transaction or not at all, and once per id', async () => {
  const id = randomUUID();
  const start = () =>
    trips.database.transaction(async (tx) => {
      await trips.sagas.start(tx, trips.definitions.patient, id, { tripId: id });
      throw new Error('changed my mind');
    });
  await expect(start()).rejects.toThrow('changed my mind');
  expect(await trips.sagas.find(manager(), id)).toBeNull();
  expect(await trips.sagas.timeline(manager(), id)).toEqual([]);

  await trips.book(id);
  await trips.book(id);
  await ends(id, 'COMPLETED');
  expect((await told(id)).filter((line) => line.endsWith('started'))).toHaveLength(1);
  expect((await world.effects(id)).sort()).toEqual(everything);
});

it('refuses to start what no provider has', async () => {
  const unknown = saga<{ tripId: string }>('unknown.v1').step('think', { do: () => Promise.resolve() });
  const start = trips.database.transaction((tx) => trips.sagas.start(tx, unknown, randomUUID(), { tripId: '' }));
  await expect(start).rejects.toThrow(UnregisteredSagaError);
});
