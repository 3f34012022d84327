import { command } from '@ballast/message';
import { z } from 'zod';
import { saga } from './definition.js';

interface Trip {
  tripId: string;
  bookingId?: string;
}
const forTrip = z.object({ tripId: z.string() });
const bookHotel = command('hotel.book.v1', { payload: forTrip, reply: z.object({ bookingId: z.string() }), failures: ['FULL'] });
const cancelHotel = command('hotel.cancel.v1', { payload: forTrip });
const pay = command('bank.pay.v1', { payload: forTrip });

const book = (s: Trip) => bookHotel({ tripId: s.tripId });
const cancel = (s: Trip) => cancelHotel({ tripId: s.tripId });
const charge = (s: Trip) => pay({ tripId: s.tripId });
const local = () => Promise.resolve();

describe('saga()', () => {
  it('collects the steps, the pivot and what happens on rejection, wherever that stands', () => {
    const early = saga<Trip>('trip.v1')
      .onRejected(local)
      .step('book', { do: book, undo: cancel, within: '5m' })
      .pivot('pay', { do: charge });
    const late = saga<Trip>('trip.v1')
      .step('book', { do: book })
      .pivot('pay', { do: charge })
      .step('tell', { do: local })
      .onRejected(local);

    expect(early.plan.steps.map((s) => [s.name, s.within])).toEqual([
      ['book', 300_000],
      ['pay', 120_000],
    ]);
    expect(early.plan.pivot).toBe(1);
    expect(early.plan.onRejected).toBe(local);
    expect(late.plan.steps).toHaveLength(3);
    expect(late.plan.onRejected).toBe(local);
  });

  it('leaves the chain it continues unchanged', () => {
    const trunk = saga<Trip>('trip.v1').step('book', { do: book });
    trunk.step('tell', { do: local });
    expect(trunk.plan.steps).toHaveLength(1);
  });

  it('refuses mistakes that the compiler cannot see', () => {
    const trip = saga<Trip>('trip.v1').step('book', { do: book });
    expect(() => trip.step('book', { do: book })).toThrow('Saga trip.v1 has two steps "book"');
    expect(() => trip.onRejected(local).onRejected(local)).toThrow('Saga trip.v1 has two onRejected');
    expect(() => saga<Trip>('Trip')).toThrow('is not of the form <name>.v<n>');
    expect(() => trip.step('nonsense', { do: book, within: '5 apples' as '5m' })).toThrow(TypeError);
  });

  it('types the reply by the command that do returns', () => {
    saga<Trip>('trip.v1').step('book', { do: (s) => bookHotel({ tripId: s.tripId }), reply: (r) => ({ bookingId: r.bookingId }) });
    // @ts-expect-error the command's reply has no `bookingNumber`
    saga<Trip>('trip.v1').step('book', { do: (s) => bookHotel({ tripId: s.tripId }), reply: (r) => ({ bookingId: r.bookingNumber }) });
    // @ts-expect-error the state has no `hotel`
    saga<Trip>('trip.v1').step('book', { do: (s) => bookHotel({ tripId: s.tripId }), reply: (r) => ({ hotel: r.bookingId }) });
    // @ts-expect-error the state's `bookingId` is a string
    saga<Trip>('trip.v1').step('book', { do: (s) => bookHotel({ tripId: s.tripId }), reply: () => ({ bookingId: 7 }) });
    // @ts-expect-error a local step has no reply
    saga<Trip>('trip.v1').step('tell', { do: () => Promise.resolve(), reply: () => ({ bookingId: 'x' }) });
    // @ts-expect-error the state has no `trip`
    saga<Trip>('trip.v1').step('book', { do: (s) => bookHotel({ tripId: s.trip }) });
    // @ts-expect-error a command inside a promise would never be sent
    saga<Trip>('trip.v1').step('book', { do: async (s) => bookHotel({ tripId: s.tripId }) });
    // @ts-expect-error neither a command nor a promise
    saga<Trip>('trip.v1').step('tell', { do: () => 'done' });
  });

  it('has no way back past the pivot', () => {
    const paid = saga<Trip>('trip.v1').step('book', { do: book, undo: cancel }).pivot('pay', { do: charge });
    // @ts-expect-error a pivot cannot be undone
    saga<Trip>('trip.v1').pivot('pay', { do: charge, undo: cancel });
    // @ts-expect-error a step past the pivot cannot be undone
    paid.step('book again', { do: book, undo: cancel });
  });

  it('has only one pivot', () => {
    const paid = saga<Trip>('trip.v1').pivot('pay', { do: charge });
    // @ts-expect-error there is a pivot already
    expect(() => paid.pivot('pay again', { do: charge })).toThrow('Saga trip.v1 has two pivots');
    // @ts-expect-error also after a later step
    expect(() => paid.step('tell', { do: local }).pivot('pay again', { do: charge })).toThrow('two pivots');
  });
});
