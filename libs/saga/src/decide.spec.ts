import { bookTrip, type Trip } from '../test/trip.js';
import { decide, type Decision, type Input, placeOf } from './decide.js';
import { CLOSING, newRecord, type SagaRecord } from './record.js';

const nothing = () => Promise.resolve();
const trip = bookTrip({ note: nothing, strike: nothing, close: nothing, reject: nothing });
const retry = { attempts: 3, initialDelay: 1_000, maxDelay: 3_000 };
const id = '6f1c9d6e-5b0c-4c8e-9f0e-3b1a2c3d4e5f';

const at = (record: Partial<SagaRecord>): SagaRecord => ({ ...newRecord<Trip>('book-trip.v1', id, { tripId: id }, {}), ...record });
const given = (record: SagaRecord, input: Input, now = 0): Decision => decide(trip, record, input, { now, retry });
const yes = (commandId: string): Input => ({ kind: 'reply', commandId, reply: { outcome: 'succeeded', result: { room: '12' } } });
const no = (commandId: string): Input => ({ kind: 'reply', commandId, reply: { outcome: 'failed', code: 'NO', message: 'no' } });

const [PAY, TICKETS] = [3, 4];
/** The pivot under way. */
const pivot = () => given(at({ step: PAY, timerAt: 0 }), { kind: 'timer' });
/** The step after it under way. */
const tickets = () => given(at({ step: TICKETS, timerAt: 0 }), { kind: 'timer' });

describe('a command id', () => {
  it('stays when the outcome is unknown, so that the receiver does the work once', () => {
    const first = pivot();
    const second = given(first.record, { kind: 'timer' }, first.record.timerAt!);
    expect(second.perform?.commandId).toBe(first.perform?.commandId);
  });

  it('changes after a definite failure, so that the receiver does it again', () => {
    const first = tickets();
    const refused = given(first.record, no(first.perform!.commandId));
    const second = given(refused.record, { kind: 'timer' }, refused.record.timerAt!);
    expect(second.perform?.name).toBe('issue tickets');
    expect(second.perform?.commandId).not.toBe(first.perform?.commandId);
  });

  it('follows from saga, step and direction alone', () => {
    expect(pivot().perform).toEqual(pivot().perform);
    expect(pivot().perform?.commandId).not.toBe(tickets().perform?.commandId);
  });
});

describe('a timer', () => {
  it('that is not due, or not set, changes nothing', () => {
    const { record } = pivot();
    expect(given(record, { kind: 'timer' }, record.timerAt! - 1)).toEqual({ record, history: [], ignored: 'early' });
    expect(given(at({ step: PAY }), { kind: 'timer' }).ignored).toBe('early');
  });

  it('waits as long as the step says, and longer with each further try', () => {
    const first = pivot().record;
    expect(first.timerAt).toBe(180_000);
    const second = given(first, { kind: 'timer' }, 180_000).record;
    expect(second.timerAt).toBe(180_000 + 180_000 + 1_000);
    expect(given(second, { kind: 'timer' }, second.timerAt!).record.timerAt).toBe(second.timerAt! + 180_000 + 2_000);
  });

  it('of a retry doubles up to its limit', () => {
    const delays: number[] = [];
    let { record, perform } = decide(
      trip,
      at({ step: TICKETS, timerAt: 0 }),
      { kind: 'timer' },
      { now: 0, retry: { ...retry, attempts: 9 } },
    );
    for (let i = 0; i < 4; i++) {
      ({ record } = decide(trip, record, no(perform!.commandId), { now: 0, retry: { ...retry, attempts: 9 } }));
      delays.push(record.timerAt!);
      ({ record, perform } = given({ ...record, timerAt: 0 }, { kind: 'timer' }));
    }
    expect(delays).toEqual([1_000, 2_000, 3_000, 3_000]);
  });
});

describe('a stuck saga', () => {
  const stuck = (): SagaRecord => ({ ...pivot().record, status: 'STUCK', timerAt: null, attempts: 3 });

  it('goes on when the reply comes after all', () => {
    const next = given(stuck(), yes(stuck().awaiting!));
    expect(next.record).toMatchObject({ status: 'RUNNING', step: TICKETS, failure: null });
    expect(next.perform?.name).toBe('issue tickets');
  });

  it('at the pivot compensates when a refusal comes after all', () => {
    expect(given(stuck(), no(stuck().awaiting!)).record).toMatchObject({
      status: 'COMPENSATING',
      direction: 'backward',
      failure: { code: 'NO' },
    });
  });

  it('past the pivot stays stuck at a refusal, and asks under a new id when it is resumed', () => {
    const { record } = tickets();
    const refused = given({ ...record, status: 'STUCK', timerAt: null, attempts: 3 }, no(record.awaiting!));
    expect(refused.record).toMatchObject({ status: 'STUCK', awaiting: null, timerAt: null });
    const resumed = given(refused.record, { kind: 'resumed' });
    expect(resumed.record).toMatchObject({ status: 'RUNNING', attempts: 1 });
    expect(resumed.perform?.commandId).not.toBe(record.awaiting);
  });

  it('is the only one that can be resumed', () => {
    expect(given(pivot().record, { kind: 'resumed' }).ignored).toBe('not-stuck');
  });
});

describe('a reply that changes nothing', () => {
  it('is a duplicate, or late when its step was given up', () => {
    const first = given(at({}), { kind: 'started' });
    const booked = given(first.record, yes(first.perform!.commandId));
    expect(given(booked.record, yes(first.perform!.commandId)).ignored).toBe('duplicate');
    const gaveUp = given(first.record, { kind: 'timer' }, first.record.timerAt!);
    expect(given(gaveUp.record, yes(first.perform!.commandId))).toEqual({ record: gaveUp.record, history: [], ignored: 'late' });
  });
});

it('refuses to go on when the definition has lost the step a saga stands at', () => {
  expect(() => given(at({ step: 9, timerAt: 0 }), { kind: 'timer' })).toThrow('steps were changed without a new version');
});

it('tells a step, its undo and the end of a rejected saga apart, for failpoints', () => {
  expect(placeOf(pivot().perform!)).toBe('pay');
  expect(placeOf({ step: 0, name: 'book hotel', direction: 'backward' })).toBe('undo book hotel');
  expect(placeOf({ step: CLOSING, name: 'book-trip.v1', direction: 'backward' })).toBe('onRejected');
});
