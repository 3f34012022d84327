import type { Tx } from '@ballast/database';
import { command } from '@ballast/message';
import { z } from 'zod';
import { saga, type SagaFailure } from '../src/definition.js';

const payload = z.object({ tripId: z.uuid() });

export const bookHotel = command('hotel.book-room.v1', { payload, reply: z.object({ room: z.string() }), failures: ['HOTEL_FULL'] });
export const cancelHotel = command('hotel.cancel-room.v1', { payload, failures: ['TOO_BUSY'] });
export const bookFlight = command('airline.book-seat.v1', { payload, failures: ['FLIGHT_FULL'] });
export const cancelFlight = command('airline.cancel-seat.v1', { payload });
export const payTrip = command('airline.take-payment.v1', { payload, failures: ['CARD_REFUSED'] });
export const issueTickets = command('airline.issue-tickets.v1', {
  payload: payload.extend({ room: z.string() }),
  failures: ['PRINTER_JAM'],
});
export const tripCommands = [bookHotel, cancelHotel, bookFlight, cancelFlight, payTrip, issueTickets];

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

/** A saga with every kind of step: two bookings, local work between them, a pivot, a command and local work past it. */
export const bookTrip = (diary: Diary) =>
  saga<Trip>('book-trip.v1')
    .step('book hotel', {
      do: (s) => bookHotel({ tripId: s.tripId }),
      reply: (r) => ({ room: r.room }),
      undo: (s) => cancelHotel({ tripId: s.tripId }),
      within: '2m',
    })
    .step('note trip', { do: (s, tx) => diary.note(s.tripId, tx), undo: (s, tx) => diary.strike(s.tripId, tx) })
    .step('book flight', { do: (s) => bookFlight({ tripId: s.tripId }), undo: (s) => cancelFlight({ tripId: s.tripId }), within: '5m' })
    .pivot('pay', { do: (s) => payTrip({ tripId: s.tripId }), within: '3m' })
    .step('issue tickets', { do: (s) => issueTickets({ tripId: s.tripId, room: s.room! }) })
    .step('close trip', { do: (s, tx) => diary.close(s.tripId, tx) })
    .onRejected((s, tx, failure) => diary.reject(s.tripId, tx, failure));
