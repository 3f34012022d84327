import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dropKafka, eventually, freePort, startKafka, type RunningKafka } from '@ballast/testing';
import type { SagaStatus } from '../src/index.js';
import { tripWorld, type TripWorld } from './fixture.js';
import type { TripService } from './trip.service.js';

jest.setTimeout(120_000);

let directory: string;
let kafka: RunningKafka;
let port: number;
let world: TripWorld;
let trips: TripService;

const start = async () => (kafka = await startKafka({ directory, port }));

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'saga-kafka-'));
  port = await freePort();
  await start();
  world = await tripWorld({ brokers: kafka.brokers });
  // The grace is longer than a consumer takes to come back to its group.
  trips = await world.startTrips({ saga: { ...world.options.saga, grace: '8s' } });
});
afterAll(async () => {
  await world?.close();
  await kafka?.stop();
  if (directory) dropKafka(directory);
});

const manager = () => trips.database.primary;
const ends = (id: string, status: SagaStatus) =>
  eventually(async () => expect((await trips.sagas.find(manager(), id))?.status).toBe(status), { timeout: 60_000 });
const clock = async () => Number((await manager().query<{ working_ms: string }[]>('SELECT working_ms FROM saga_clock'))[0]?.working_ms);
const timer = async (id: string) =>
  Number((await manager().query<{ timer_at: string }[]>('SELECT timer_at FROM saga WHERE id = $1', [id]))[0]?.timer_at);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it('pauses deadlines while the broker is away, and reads the replies that waited before it goes on', async () => {
  const id = randomUUID();
  world.orders.holding.add(`${id} book-seat`);
  await trips.book(id, 'hasty');
  await eventually(() => expect(world.orders.isHeld(id, 'book-seat')).toBe(true), { timeout: 30_000 });

  await kafka.stop();
  const stoppedAt = await eventually(
    async () => {
      const before = await clock();
      await pause(500);
      expect(await clock()).toBe(before);
      return before;
    },
    { timeout: 20_000 },
  );
  // Not a wait for something, but the outage itself: longer than the deadline of three seconds.
  await pause(4_000);
  expect(await clock()).toBe(stoppedAt);
  expect(await timer(id)).toBeGreaterThan(stoppedAt);

  await start();
  await world.orders.release();
  await ends(id, 'COMPLETED');
});

it('lets deadlines go on afterwards', async () => {
  const id = randomUUID();
  world.orders.holding.add(`${id} book-seat`);
  await trips.book(id, 'hasty');
  await ends(id, 'COMPENSATED');
});
