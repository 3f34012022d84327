import { Database, type DatabaseConfig } from '@ballast/database';
import { testBrokers, testDatabase, uniqueName } from '@ballast/testing';
import { deadLettersOf, effectsOf, Orders, startParticipant } from './participants.js';
import { tripCommands } from './trip.js';
import { TripService, type TripServiceOptions } from './trip.service.js';

/** Quick, so that tests need not wait: three tries, a tenth of a second apart. */
const saga: NonNullable<TripServiceOptions['saga']> = { retry: { attempts: 3, initialDelay: 100, maxDelay: 100 }, tick: '200ms', grace: 0 };

/** Two participants that run, and what a trip service needs to join them. All is closed and dropped by `close`. */
export async function tripWorld({ brokers = testBrokers() }: { brokers?: string[] } = {}) {
  const serviceName = (name: string) => uniqueName(name).replaceAll('_', '-');
  const names = { trip: serviceName('trip'), hotel: serviceName('hotel'), airline: serviceName('airline') };
  const cleanups: (() => Promise<unknown>)[] = [];
  const cleanup = (work: () => Promise<unknown>) => void cleanups.unshift(work);
  const orders = new Orders();
  const commands = tripCommands(names.hotel, names.airline);

  const databaseOf = async (name: string): Promise<DatabaseConfig> => {
    const { config, drop } = await testDatabase(name);
    cleanup(drop);
    return config;
  };
  const participant = async (kind: 'hotel' | 'airline'): Promise<Database> => {
    const config = await databaseOf(kind);
    const app = await startParticipant({ service: names[kind], kind, commands, brokers, config, orders });
    cleanup(() => app.close());
    await app.get(Database).ready;
    return app.get(Database);
  };
  const [hotel, airline, config] = [await participant('hotel'), await participant('airline'), await databaseOf('trip')];
  const options: TripServiceOptions = { names, brokers, config, saga };

  return {
    options,
    orders,
    cleanup,
    commands,
    async startTrips(more: Partial<TripServiceOptions> = {}): Promise<TripService> {
      const service = await TripService.start({ ...options, ...more });
      cleanup(() => service.app.close());
      return service;
    },
    effects: async (tripId: string) => [...(await effectsOf(hotel, tripId)), ...(await effectsOf(airline, tripId))],
    /** Of the airline. */
    deadLetters: (tripId: string) => deadLettersOf(airline, tripId),
    async close() {
      for (const work of cleanups) await work();
    },
  };
}
export type TripWorld = Awaited<ReturnType<typeof tripWorld>>;

/** The diary of a trip, in any order. */
export async function diaryOf(database: Database, tripId: string): Promise<string[]> {
  const rows = await database.primary.query<{ what: string }[]>('SELECT what FROM diary WHERE trip_id = $1 ORDER BY what', [tripId]);
  return rows.map((row) => row.what);
}
