import { randomUUID } from 'node:crypto';
import { metricsText } from '@ballast/tracing';
import { eventually } from '@ballast/testing';
import type { SagaStatus } from '../src/index.js';
import { tripWorld, type TripWorld } from './fixture.js';
import type { TripService } from './trip.service.js';

/** Two versions of a service are one consumer group on one database; only the new one has the new definition. */
let world: TripWorld;
beforeAll(async () => {
  world = await tripWorld();
});
afterAll(() => world?.close());

const startOld = () => world.startTrips({ has: ['patient'], instanceId: 'old' });
const startNew = () => world.startTrips({ has: ['patient', 'next', 'hasty'], instanceId: 'new' });
const ids = (count: number) => Array.from({ length: count }, () => randomUUID());
const everything = ['book-room', 'book-seat', 'issue-tickets', 'take-payment'];

async function completed(trips: TripService, sagas: readonly string[], definition: string): Promise<void> {
  for (const id of sagas) {
    await eventually(
      async () => {
        const saga = await trips.sagas.find(trips.database.primary, id);
        expect([saga?.definition, saga?.status]).toEqual([definition, 'COMPLETED' satisfies SagaStatus]);
      },
      { timeout: 60_000 },
    );
    expect((await world.effects(id)).sort()).toEqual(everything);
  }
}
const rows = async (trips: TripService, sql: string, parameters: unknown[] = []) =>
  trips.database.primary.query<Record<string, unknown>[]>(sql, parameters);
const nothingLeft = async (trips: TripService) => {
  expect(await rows(trips, 'SELECT reason, error FROM dead_letter')).toEqual([]);
  expect(await rows(trips, 'SELECT command_type, error FROM saga_parked_reply')).toEqual([]);
};
const parkings = async (definition: string) =>
  Number(new RegExp(`ballast_saga_replies_parked_total\\{definition="${definition}"\\} (\\d+)`).exec(await metricsText())?.[1] ?? 0);

it('runs sagas of both definitions while the replies of each come to either replica', async () => {
  const [older, newer] = [await startOld(), await startNew()];
  // Both read: what the new definition's sagas are told comes to the old replica for about half of them.
  await eventually(async () => {
    const [probe] = ids(1);
    await newer.book(probe!, 'next');
    expect(await parkings('book-trip.v2')).toBeGreaterThan(0);
  });
  const [v1, v2] = [ids(15), ids(30)];
  await Promise.all([...v1.map((id) => older.book(id)), ...v2.map((id) => newer.book(id, 'next'))]);
  await completed(newer, v1, 'book-trip.v1');
  await completed(newer, v2, 'book-trip.v2');
  await eventually(() => nothingLeft(newer));
  await Promise.all([older.app.close(), newer.app.close()]);
}, 120_000);

it('keeps the replies to a definition that was rolled back, past any deadline, until it is there again', async () => {
  let newer = await startNew();
  const v2 = ids(5);
  for (const id of v2) world.orders.holding.add(`${id} book-seat`);
  await Promise.all(v2.map((id) => newer.book(id, 'hasty')));
  await eventually(() => expect(v2.every((id) => world.orders.isHeld(id, 'book-seat'))).toBe(true));
  await newer.app.close();

  const older = await startOld();
  await world.orders.release();
  await eventually(async () =>
    expect(await rows(older, 'SELECT DISTINCT saga_id FROM saga_parked_reply WHERE saga_id = ANY ($1)', [v2])).toHaveLength(v2.length),
  );
  const v1 = ids(5);
  await Promise.all(v1.map((id) => older.book(id)));
  await completed(older, v1, 'book-trip.v1');
  // Their deadlines pass, since the service works; but who does not know a saga does not judge it.
  const late = 'SELECT id FROM saga WHERE id = ANY ($1) AND timer_at < (SELECT working_ms FROM saga_clock)';
  await eventually(async () => expect(await rows(older, late, [v2])).toHaveLength(v2.length), { timeout: 30_000 });
  await older.app.close();

  newer = await startNew();
  await completed(newer, v2, 'hasty-trip.v1');
  await eventually(() => nothingLeft(newer));
}, 120_000);
