import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Database } from '@ballast/database';
import { eventually } from '@ballast/testing';
import { diaryOf, tripWorld, type TripWorld } from './fixture.js';

jest.setTimeout(120_000);

const hook = pathToFileURL(join(__dirname, '../../testing/src/jest/typescript-hook.mjs')).href;
const load = `data:text/javascript,import{register}from'node:module';register('${hook}')`;

let world: TripWorld;
let database: Database;
let child: ChildProcess;

/** Starts the trip service as a process of its own. */
async function startProcess(): Promise<void> {
  child = fork(join(__dirname, 'trip.process.ts'), {
    execArgv: ['--import', load],
    env: { ...process.env, TRIP_SERVICE: JSON.stringify(world.options) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await told({ ready: true });
}

function told(expected: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the trip service ended with ${code}`));
    child.once('exit', onExit);
    child.on('message', function listen(message) {
      if (JSON.stringify(message) !== JSON.stringify(expected)) return;
      child.off('exit', onExit).off('message', listen);
      resolve();
    });
  });
}

async function kill(): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

async function book(tripId: string): Promise<void> {
  const booked = told({ booked: tripId });
  child.send(tripId);
  await booked;
}

beforeAll(async () => {
  world = await tripWorld();
  await startProcess();
  database = await Database.open({ config: world.options.config, entities: [], migrations: [] });
  world.cleanup(() => database.close());
});
afterAll(async () => {
  child?.kill('SIGKILL');
  await world?.close();
});

const statuses = async () =>
  Object.fromEntries(
    (await database.primary.query<{ id: string; status: string }[]>('SELECT id, status FROM saga')).map((s) => [s.id, s.status]),
  );

const booked = ['book-room', 'book-seat', 'issue-tickets', 'take-payment'];
const undone = ['book-room', 'book-seat', 'cancel-room', 'cancel-seat'];

it('goes on after kill -9 wherever it stood, though every reply then comes twice', async () => {
  // One trip waits at each point where a saga can wait: for the reply of this command, forward or backward.
  const forward = ['book-room', 'book-seat', 'take-payment', 'issue-tickets'];
  const backward = ['cancel-seat', 'cancel-room'];
  const trips = new Map<string, string>();
  for (const what of [...forward, ...backward]) {
    const tripId = randomUUID();
    world.orders.holding.add(`${tripId} ${what}`);
    if (backward.includes(what)) world.orders.refusals.set(`${tripId} take-payment`, 1);
    trips.set(tripId, what);
    await book(tripId);
  }
  await eventually(() => expect([...trips].filter(([tripId, what]) => !world.orders.isHeld(tripId, what))).toEqual([]), {
    timeout: 30_000,
  });

  await kill();
  await world.orders.release();
  await startProcess();

  const expected = Object.fromEntries([...trips].map(([tripId, what]) => [tripId, backward.includes(what) ? 'COMPENSATED' : 'COMPLETED']));
  await eventually(async () => expect(await statuses()).toEqual(expected), { timeout: 40_000 });
  for (const [tripId, what] of trips) {
    const rejected = backward.includes(what);
    expect([what, (await world.effects(tripId)).sort()]).toEqual([what, rejected ? undone : booked]);
    expect([what, await diaryOf(database, tripId)]).toEqual([
      what,
      rejected ? ['noted', 'rejected: pay: CARD_REFUSED', 'struck'] : ['closed', 'noted'],
    ]);
  }
});

it('loses and repeats nothing when it is killed in the midst of work', async () => {
  const trips = Array.from({ length: 12 }, () => randomUUID());
  // The kill comes when some are through and others are not, however fast they are.
  for (const tripId of trips.slice(-3)) world.orders.holding.add(`${tripId} issue-tickets`);
  for (const tripId of trips) await book(tripId);
  const through = async () => {
    const now = await statuses();
    return trips.filter((tripId) => now[tripId] === 'COMPLETED').length;
  };
  await eventually(async () => expect(await through()).toBeGreaterThan(2), { timeout: 40_000, interval: 5 });
  await kill();
  await world.orders.release();
  await startProcess();
  await eventually(
    async () => {
      const now = await statuses();
      expect(trips.filter((tripId) => now[tripId] !== 'COMPLETED')).toEqual([]);
    },
    { timeout: 40_000 },
  );
  for (const tripId of trips) {
    expect((await world.effects(tripId)).sort()).toEqual(booked);
    expect(await diaryOf(database, tripId)).toEqual(['closed', 'noted']);
  }
});
