import { bookTrip, tripCommands, type Diary } from '../test/trip.js';
import { given } from './testing/index.js';

const { bookFlight, bookHotel, cancelFlight, cancelHotel, issueTickets, payTrip } = tripCommands('hotel', 'airline');
const tripId = '6f1c9d6e-5b0c-4c8e-9f0e-3b1a2c3d4e5f';
const room = '12';
const hotel = bookHotel({ tripId });
const noHotel = cancelHotel({ tripId });
const flight = bookFlight({ tripId });
const noFlight = cancelFlight({ tripId });
const payment = payTrip({ tripId });
const tickets = issueTickets({ tripId, room });

let diary: string[];
const pen: Diary = {
  note: async () => void diary.push('noted'),
  strike: async () => void diary.push('struck'),
  close: async () => void diary.push('closed'),
  reject: async (_, __, { step, code }) => void diary.push(`rejected: ${step}: ${code}`),
};
const trip = bookTrip(pen);

const start = () => given(trip, { tripId });
const hotelBooked = () => start().expect(hotel).succeeds({ room });
const flightBooked = () => hotelBooked().expect(flight).succeeds();
const paid = () => flightBooked().expect(payment).succeeds();

beforeEach(() => (diary = []));

describe('a saga without trouble', () => {
  it('does each step once, in order, and takes what the replies say', async () => {
    await paid().expect(tickets).succeeds().completed();
    expect(diary).toEqual(['noted', 'closed']);
  });

  it('is the same with a restart between any two steps, and while any command is under way', async () => {
    await start()
      .restarts()
      .expect(hotel)
      .restarts()
      .succeeds({ room })
      .restarts()
      .expect(flight)
      .restarts()
      .succeeds()
      .restarts()
      .expect(payment)
      .restarts()
      .succeeds()
      .restarts()
      .expect(tickets)
      .restarts()
      .succeeds()
      .restarts()
      .completed();
    expect(diary).toEqual(['noted', 'closed']);
  });

  it('is the same when every reply comes twice', async () => {
    await start()
      .expect(hotel)
      .repliesTwice({ room })
      .expect(flight)
      .repliesTwice()
      .expect(payment)
      .repliesTwice()
      .expect(tickets)
      .repliesTwice()
      .completed();
    expect(diary).toEqual(['noted', 'closed']);
  });
});

describe('the first step', () => {
  it.each(['HOTEL_FULL', 'HANDLER_FAILED'] as const)('that fails with %s has changed nothing, so nothing is undone', async (code) => {
    await start().expect(hotel).fails(code).rolledBack();
    expect(diary).toEqual([`rejected: book hotel: ${code}`]);
  });

  it('that times out is undone, since it may have happened', async () => {
    await start().expect(hotel).timesOut().expect(noHotel).succeeds().rolledBack();
    expect(diary).toEqual(['rejected: book hotel: TIMED_OUT']);
  });

  it('whose reply comes late is undone all the same', async () => {
    await start().expect(hotel).repliesLate({ room }).expect(noHotel).succeeds().rolledBack();
  });

  it('is undone after a restart too', async () => {
    await start().expect(hotel).restarts().timesOut().restarts().expect(noHotel).restarts().succeeds().rolledBack();
  });
});

describe('a later step before the pivot', () => {
  it.each(['FLIGHT_FULL', 'HANDLER_FAILED'] as const)('that fails with %s undoes the earlier ones in reverse', async (code) => {
    await hotelBooked().expect(flight).fails(code).expect(noHotel).succeeds().rolledBack();
    expect(diary).toEqual(['noted', 'struck', `rejected: book flight: ${code}`]);
  });

  it('that times out undoes itself first', async () => {
    await hotelBooked().expect(flight).timesOut().expect(noFlight).succeeds().expect(noHotel).succeeds().rolledBack();
    expect(diary).toEqual(['noted', 'struck', 'rejected: book flight: TIMED_OUT']);
  });

  it('whose reply comes late is undone all the same', async () => {
    await hotelBooked().expect(flight).repliesLate().expect(noFlight).succeeds().expect(noHotel).succeeds().rolledBack();
  });

  it('may be undone with restarts in between, and each reply twice', async () => {
    await hotelBooked()
      .expect(flight)
      .restarts()
      .fails('FLIGHT_FULL')
      .restarts()
      .expect(noHotel)
      .restarts()
      .repliesTwice()
      .restarts()
      .rolledBack();
    expect(diary).toEqual(['noted', 'struck', 'rejected: book flight: FLIGHT_FULL']);
  });
});

describe('the pivot', () => {
  it.each(['CARD_REFUSED', 'HANDLER_FAILED'] as const)('that fails with %s compensates', async (code) => {
    await flightBooked().expect(payment).fails(code).expect(noFlight).succeeds().expect(noHotel).succeeds().rolledBack();
    expect(diary).toEqual(['noted', 'struck', `rejected: pay: ${code}`]);
  });

  it('that times out is asked for again, never guessed', async () => {
    await flightBooked()
      .expect(payment)
      .timesOut()
      .expect(payment)
      .timesOut()
      .expect(payment)
      .succeeds()
      .expect(tickets)
      .succeeds()
      .completed();
  });

  it('that times out and is then refused compensates', async () => {
    await flightBooked()
      .expect(payment)
      .timesOut()
      .expect(payment)
      .fails('CARD_REFUSED')
      .expect(noFlight)
      .succeeds()
      .expect(noHotel)
      .succeeds()
      .rolledBack();
  });

  it('whose reply comes late goes on with it', async () => {
    await flightBooked().expect(payment).repliesLate().expect(tickets).succeeds().completed();
  });

  it('without any answer is STUCK, and a resume asks again', async () => {
    await flightBooked().expect(payment).keepsTimingOut().stuck();
    await flightBooked().expect(payment).keepsTimingOut().resumes().expect(payment).succeeds().expect(tickets).succeeds().completed();
  });
});

describe('a step past the pivot', () => {
  it.each(['PRINTER_JAM', 'HANDLER_FAILED'] as const)('that fails with %s is tried again', async (code) => {
    await paid().expect(tickets).fails(code).restarts().expect(tickets).fails(code).expect(tickets).succeeds().completed();
  });

  it('that times out is sent again', async () => {
    await paid().expect(tickets).timesOut().restarts().expect(tickets).succeeds().completed();
  });

  it('whose reply comes late goes on with it', async () => {
    await paid().expect(tickets).repliesLate().completed();
  });

  it('that never succeeds is STUCK, nothing is undone, and a resume goes on from there', async () => {
    await paid().expect(tickets).keepsFailing('PRINTER_JAM').stuck();
    await paid().expect(tickets).keepsTimingOut().stuck();
    await paid().expect(tickets).keepsFailing('PRINTER_JAM').restarts().resumes().expect(tickets).succeeds().completed();
  });
});

describe('an undo', () => {
  const refused = () => hotelBooked().expect(flight).fails('FLIGHT_FULL');

  it('that fails or does not answer is tried again', async () => {
    await refused().expect(noHotel).fails('TOO_BUSY').expect(noHotel).timesOut().restarts().expect(noHotel).succeeds().rolledBack();
  });

  it('whose reply comes late counts', async () => {
    await refused().expect(noHotel).repliesLate().rolledBack();
  });

  it('that never succeeds is STUCK, and a resume goes on compensating', async () => {
    await refused().expect(noHotel).keepsFailing('TOO_BUSY').stuck();
    expect(diary).toEqual(['noted', 'struck']);
    await refused().expect(noHotel).keepsTimingOut().resumes().expect(noHotel).succeeds().rolledBack();
  });
});

describe('local work', () => {
  const broken = () => Promise.reject(new Error('no ink'));

  it('that fails before the pivot is a refusal', async () => {
    await given(bookTrip({ ...pen, note: broken }), { tripId })
      .expect(hotel)
      .succeeds({ room })
      .expect(noHotel)
      .succeeds()
      .rolledBack();
    expect(diary).toEqual(['rejected: note trip: STEP_FAILED']);
  });

  it('that fails after the pivot is tried again, then STUCK', async () => {
    let failures = 2;
    const weak = bookTrip({ ...pen, close: (id, tx) => (failures-- > 0 ? broken() : pen.close(id, tx)) });
    const almost = (definition: typeof weak) =>
      given(definition, { tripId })
        .expect(hotel)
        .succeeds({ room })
        .expect(flight)
        .succeeds()
        .expect(payment)
        .succeeds()
        .expect(tickets)
        .succeeds();
    await almost(weak).waits().waits().completed();
    await almost(bookTrip({ ...pen, close: broken }))
      .waitsUntilStuck()
      .stuck();
  });

  it('of onRejected that fails is tried again', async () => {
    let failures = 1;
    const weak = bookTrip({ ...pen, reject: (id, tx, f) => (failures-- > 0 ? broken() : pen.reject(id, tx, f)) });
    await given(weak, { tripId }).expect(hotel).fails('HOTEL_FULL').waits().rolledBack();
    expect(diary).toEqual(['rejected: book hotel: HOTEL_FULL']);
  });
});
