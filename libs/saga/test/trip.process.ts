import { TripService, type TripServiceOptions } from './trip.service.js';

// Run as a process of its own by crash.int.spec.ts, so that it can be killed.
const trips = await TripService.start(JSON.parse(process.env['TRIP_SERVICE']!) as TripServiceOptions);
process.on('message', (tripId: string) => {
  void trips.book(tripId).then(() => process.send?.({ booked: tripId }));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
