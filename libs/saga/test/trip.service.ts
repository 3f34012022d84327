import { Database, DatabaseModule, type DatabaseConfig, type Tx } from '@ballast/database';
import type { AnyCommand } from '@ballast/message';
import { kafkaTransport, MessagingModule, messagingMigrations } from '@ballast/messaging';
import { Injectable, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { Saga, SagaModule, sagaMigrations, Sagas, type AnySaga, type SagaOptions } from '../src/index.js';
import { bookTrip, hasty, next, tripCommands, type Diary, type Trip } from './trip.js';

class Diary1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE diary (trip_id uuid NOT NULL, what text NOT NULL)');
  }
  async down(): Promise<void> {}
}

/** Trips whose rejection cannot be written down. */
export const unrejectable = new Set<string>();

type Kind = 'patient' | 'hasty' | 'next';

/** Everything a trip service is started with; plain data, so that it can be given to another process. */
export interface TripServiceOptions {
  names: { trip: string; hotel: string; airline: string };
  brokers: string[];
  config: DatabaseConfig;
  saga?: Omit<SagaOptions, 'service' | 'transport' | 'clock'>;
  /** The definitions this replica has. Default: patient and hasty. */
  has?: readonly Kind[];
  /** Replicas of one service differ in it. */
  instanceId?: string;
  /** Notes of this trip write, and then break. */
  breaks?: string;
}

/** The service that books trips: the one that has the saga. */
export class TripService {
  private constructor(
    readonly app: INestApplicationContext,
    readonly database: Database,
    readonly sagas: Sagas,
    readonly definitions: Record<Kind, AnySaga>,
  ) {}

  static async start(options: TripServiceOptions): Promise<TripService> {
    const { names, brokers, config, saga, breaks, has = ['patient', 'hasty'], instanceId = options.names.trip } = options;
    const commands = tripCommands(names.hotel, names.airline);
    const transport = kafkaTransport({ brokers, clientId: instanceId });
    const write = async (tx: Tx, tripId: string, what: string) => {
      await tx.query('INSERT INTO diary (trip_id, what) VALUES ($1, $2)', [tripId, what]);
      if (what === 'noted' && tripId === breaks) throw new Error('the pen broke');
      if (what.startsWith('rejected') && unrejectable.has(tripId)) throw new Error('the diary is full');
    };
    const diary: Diary = {
      note: (tripId, tx) => write(tx, tripId, 'noted'),
      strike: (tripId, tx) => write(tx, tripId, 'struck'),
      close: (tripId, tx) => write(tx, tripId, 'closed'),
      reject: (tripId, tx, { step, code }) => write(tx, tripId, `rejected: ${step}: ${code}`),
    };

    @Saga()
    @Injectable()
    class PatientTrip {
      readonly definition = bookTrip(diary, commands);
    }
    @Saga()
    @Injectable()
    class HastyTrip {
      readonly definition = bookTrip(diary, commands, hasty);
    }
    @Saga()
    @Injectable()
    class NextTrip {
      readonly definition = bookTrip(diary, commands, next);
    }
    const providers = { patient: PatientTrip, hasty: HastyTrip, next: NextTrip };
    @Module({
      imports: [
        DatabaseModule.forRoot({ config, entities: [], migrations: [...messagingMigrations, ...sagaMigrations, Diary1700000000000] }),
        MessagingModule.forRoot({
          service: names.trip,
          transport,
          definitions: Object.values(commands) as AnyCommand[],
          consumes: [],
          instanceId,
        }),
        SagaModule.forRoot({ service: names.trip, transport, ...saga }),
      ],
      providers: has.map((kind) => providers[kind]),
    })
    class TripModule {}

    const app = await NestFactory.createApplicationContext(TripModule, { logger: false, abortOnError: false });
    const database = app.get(Database);
    await database.ready;
    const definitions: Record<Kind, AnySaga> = {
      patient: bookTrip(diary, commands),
      hasty: bookTrip(diary, commands, hasty),
      next: bookTrip(diary, commands, next),
    };
    return new TripService(app, database, app.get(Sagas), definitions);
  }

  book(tripId: string, kind: Kind = 'patient'): Promise<void> {
    const state: Trip = { tripId };
    return this.database.transaction((tx) => this.sagas.start(tx, this.definitions[kind], tripId, state));
  }
}
