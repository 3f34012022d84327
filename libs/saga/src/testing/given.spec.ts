import { bookTrip, tripCommands } from '../../test/trip.js';
import { given } from './index.js';

const { bookFlight, bookHotel, cancelHotel, issueTickets, payTrip } = tripCommands('hotel', 'airline');
const tripId = '6f1c9d6e-5b0c-4c8e-9f0e-3b1a2c3d4e5f';
const otherId = '00000000-0000-4000-8000-000000000000';
const nothing = () => Promise.resolve();
const trip = bookTrip({ note: nothing, strike: nothing, close: nothing, reject: nothing });
const start = () => given(trip, { tripId });

/** A test language that never fails would pass every saga: each way of being wrong is an error here. */
describe('given() fails when', () => {
  it('another command is sent than the expected one, and shows both and what happened until then', async () => {
    const wrong = start().expect(bookHotel({ tripId })).fails('HOTEL_FULL').expect(cancelHotel({ tripId })).succeeds().rolledBack();
    await expect(wrong).rejects.toThrow('expected hotel.cancel-room.v1');
    await expect(start().expect(bookFlight({ tripId })).succeeds().completed()).rejects.toThrow(
      [
        'book-trip.v1: expected to be sent: airline.book-seat.v1 {"tripId":"6f1c9d6e-5b0c-4c8e-9f0e-3b1a2c3d4e5f"}',
        '            but it was: hotel.book-room.v1 {"tripId":"6f1c9d6e-5b0c-4c8e-9f0e-3b1a2c3d4e5f"}',
        '',
        'what happened:',
        '  book-trip.v1             started',
        '  book hotel               sent',
      ].join('\n'),
    );
  });

  it('the payload differs', async () => {
    await expect(
      start()
        .expect(bookHotel({ tripId: otherId }))
        .timesOut()
        .rolledBack(),
    ).rejects.toThrow('but it was: hotel.book-room.v1');
  });

  it('it ends otherwise, or not yet', async () => {
    const refused = start().expect(bookHotel({ tripId })).fails('HOTEL_FULL');
    await expect(refused.completed()).rejects.toThrow('expected the saga to be COMPLETED, but it is COMPENSATED');
    await expect(refused.stuck()).rejects.toThrow('expected the saga to be STUCK, but it is COMPENSATED');
    await expect(start().rolledBack()).rejects.toThrow(
      'expected the saga to be COMPENSATED, but it is RUNNING at "book hotel" and waits for the reply to hotel.book-room.v1',
    );
  });

  it('a saga that is not stuck is resumed, or one that waits for a reply is to wait for a retry', async () => {
    await expect(start().resumes().completed()).rejects.toThrow('cannot be resumed: it is RUNNING, not STUCK');
    await expect(start().waits().completed()).rejects.toThrow('does not wait for a retry, but for the reply to hotel.book-room.v1');
  });

  it('a result does not fit the contract', async () => {
    await expect(
      start()
        .expect(bookHotel({ tripId }))
        .succeeds({ room: 7 as unknown as string })
        .completed(),
    ).rejects.toThrow('room');
  });

  it('local work touches a transaction that the test did not give', async () => {
    const writes = bookTrip({ note: (_, tx) => tx.query('SELECT 1'), strike: nothing, close: nothing, reject: nothing });
    await expect(given(writes, { tripId }).expect(bookHotel({ tripId })).succeeds({ room: '1' }).completed()).rejects.toThrow(
      'local work used tx.query, but this test has no transaction',
    );
  });

  it('and its error points at the line of the test', async () => {
    const error = await start()
      .expect(bookFlight({ tripId }))
      .succeeds()
      .completed()
      .catch((e: Error) => e);
    expect((error as Error).stack?.split('\n').find((line) => line.includes(' at '))).toContain('given.spec.ts');
  });
});

it('is typed by the contracts', () => {
  const hotel = start().expect(bookHotel({ tripId }));
  // @ts-expect-error not one of the command's failures
  hotel.fails('NO_SUCH_CODE');
  // @ts-expect-error the reply has a room
  hotel.succeeds();
  start().expect(payTrip({ tripId })).succeeds();
  // @ts-expect-error a state without a tripId
  given(trip, {});
  expect(issueTickets({ tripId, room: '1' }).payload.room).toBe('1');
});
