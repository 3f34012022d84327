import { randomUUID } from 'node:crypto';
import { ConnectionLostError, type Tx } from '@ballast/database';
import { Refused, type Outbox } from '@ballast/messaging';
import { tripCommands, type Trip } from '../test/trip.js';
import { decide } from './decide.js';
import { saga } from './definition.js';
import { resolveOptions } from './options.js';
import { newRecord } from './record.js';
import { StepRunner } from './step-runner.js';

const { bookHotel } = tripCommands('hotel', 'airline');
const tripId = randomUUID();

let log: string[];
let sent: unknown[][];
const savepoint = { name: 'inside a savepoint' } as unknown as Tx;
const tx = {
  transaction: async (work: (inner: Tx) => Promise<unknown>) => {
    log.push('savepoint');
    return work(savepoint).catch((error: unknown) => {
      log.push('rolled back');
      throw error;
    });
  },
} as unknown as Tx;

let runner: StepRunner;
beforeEach(() => {
  [log, sent] = [[], []];
  const outbox = { addCommand: async (...call: unknown[]) => void sent.push(call) } as unknown as Outbox;
  runner = new StepRunner(outbox, resolveOptions({ service: 'trips', transport: { connected: true, consuming: true, writable: true } }));
});

const run = (work: () => ReturnType<typeof bookHotel> | Promise<void>) => {
  const definition = saga<Trip>('trip.v1').step('go', { do: work as () => Promise<void> });
  const { record, perform } = decide(
    definition,
    newRecord('trip.v1', tripId, { tripId }, {}),
    { kind: 'started' },
    { now: 0, retry: { attempts: 1, initialDelay: 1, maxDelay: 1 } },
  );
  return runner.run(tx, definition, perform!, record);
};
const command = () => bookHotel({ tripId });

it('sends a command under the id of its step, to be answered to its saga', async () => {
  expect(await run(command)).toBe('sent');
  const [, draft, options] = sent[0]!;
  expect(draft).toEqual(command());
  expect(options).toEqual({ id: expect.any(String), key: tripId, sagaId: tripId, replyTo: 'trips.replies' });
});

it('does local work inside a savepoint, and takes its failure for a refusal that does not repeat what the error said', async () => {
  expect(await run(() => Promise.resolve())).toEqual({ outcome: 'succeeded', result: {} });
  expect(await run(() => Promise.reject(new RangeError('jane@example.com')))).toEqual({
    outcome: 'failed',
    code: 'STEP_FAILED',
    message: 'RangeError',
  });
  expect(await run(() => Promise.reject(new Refused('NO_INK', 'no ink')))).toEqual({
    outcome: 'failed',
    code: 'NO_INK',
    message: 'no ink',
  });
  expect(log).toEqual(['savepoint', 'savepoint', 'rolled back', 'savepoint', 'rolled back']);
});

it('takes a command that cannot be built for a refusal too', async () => {
  expect(await run(() => bookHotel({ tripId: 'nonsense' }))).toMatchObject({ outcome: 'failed', message: 'InvalidPayloadError' });
});

it('lets a database error out: the same work may succeed later', async () => {
  const lost = new ConnectionLostError(new Error('gone'));
  await expect(run(() => Promise.reject(lost))).rejects.toBe(lost);
});

it('spares the savepoint of a step that sends commands; should it do local work for once and fail, all rolls back and the next try has one', async () => {
  await run(command);
  await run(command);
  expect(log).toEqual(['savepoint']);

  await expect(run(() => Promise.reject(new Error('broken')))).rejects.toThrow('trip.v1/forward/go failed without a savepoint');
  expect(await run(() => Promise.reject(new Error('broken')))).toMatchObject({ outcome: 'failed' });
  expect(log).toEqual(['savepoint', 'savepoint', 'rolled back']);
});
