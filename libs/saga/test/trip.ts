import type { Tx } from '@ballast/database';
import { command } from '@ballast/message';
import { z } from 'zod';
import { saga, type SagaFailure } from '../src/definition.js';

const payload = z.object({ tripId: z.uuid() });

/** The commands of two participants, under the given service names: on a shared Kafka each test run has topics of its own. */
export const tripCommands = (hotel: string, airline: string) => ({
  bookHotel: command(`${hotel}.book-room.v1`, { payload, reply: z.object({ room: z.string() }), failures: ['HOTEL_FULL'] }),
  cancelHotel: command(`${hotel}.cancel-room.v1`, { payload, failures: ['TOO_BUSY'] }),
  bookFlight: command(`${airline}.book-seat.v1`, { payload, failures: ['FLIGHT_FULL'] }),
  cancelFlight: command(`${airline}.cancel-seat.v1`, { payload }),
  payTrip: command(`${airline}.take-payment.v1`, { payload, failures: ['CARD_REFUSED'] }),
  issueTickets: command(`${airline}.issue-tickets.v1`, { payload: payload.extend({ room: z.string() }), failures: ['PRINTER_JAM'] }),
});
export type TripCommands = ReturnType<typeof tripCommands>;

export interface Trip {
  tripId: string;
  room?: string;
}

/** The local side of a trip. */
export interface Diary {
  note(tripId: string, tx: Tx): Promise<void>;
  strike(tripId: string, tx: Tx): Promise<void>;
  close(tripId: string, tx: Tx): Promise<void>;
  reject(tripId: string, tx: Tx, failure: SagaFailure): Promise<void>;
}

const patient = { name: 'book-trip.v1', hotel: '2m', flight: '5m', pay: '3m', tickets: '2m' } as const;
/** The next version of the patient one, for tests of several versions side by side. */
export const next = { ...patient, name: 'book-trip.v2' } as const;
/** For tests that wait for a deadline. */
export const hasty = { name: 'hasty-trip.v1', hotel: '2m', flight: '3s', pay: '2s', tickets: '2m' } as const;

/** A saga with every kind of step: two bookings, local work between them, a pivot, a command and local work past it. */
export const bookTrip = (
  diary: Diary,
  c: TripCommands = tripCommands('hotel', 'airline'),
  within: typeof patient | typeof next | typeof hasty = patient,
) =>
  saga<Trip>(within.name)
    .step('book hotel', {
      do: (s) => c.bookHotel({ tripId: s.tripId }),
      reply: (r) => ({ room: r.room }),
      undo: (s) => c.cancelHotel({ tripId: s.tripId }),
      within: within.hotel,
    })
    .step('note trip', { do: (s, tx) => diary.note(s.tripId, tx), undo: (s, tx) => diary.strike(s.tripId, tx) })
    .step('book flight', {
      do: (s) => c.bookFlight({ tripId: s.tripId }),
      undo: (s) => c.cancelFlight({ tripId: s.tripId }),
      within: within.flight,
    })
    .pivot('pay', { do: (s) => c.payTrip({ tripId: s.tripId }), within: within.pay })
    .step('issue tickets', { do: (s) => c.issueTickets({ tripId: s.tripId, room: s.room! }), within: within.tickets })
    .step('close trip', { do: (s, tx) => diary.close(s.tripId, tx) })
    .onRejected((s, tx, failure) => diary.reject(s.tripId, tx, failure));
