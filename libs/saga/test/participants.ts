import { DatabaseModule, type Database, type DatabaseConfig, type Tx } from '@ballast/database';
import type { AnyCommand, CommandOf, WireRecord } from '@ballast/message';
import { Consume, kafkaTransport, MessagingModule, messagingMigrations, refuse, type Transport } from '@ballast/messaging';
import { eventually } from '@ballast/testing';
import { Inject, Injectable, Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { TripCommands } from './trip.js';

class Effects1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE effect (trip_id uuid NOT NULL, what text NOT NULL)');
  }
  async down(): Promise<void> {}
}

/** What the tests tell the participants to do, by trip. */
export class Orders {
  /** `${tripId} ${what}` → refuse it this many times. */
  readonly refusals = new Map<string, number>();
  /** `${tripId} ${what}` → its handler breaks, each time anew. */
  readonly poison = new Set<string>();
  /** Replies to these commands, `${tripId} ${what}`, are held back: released later, or lost. */
  readonly holding = new Set<string>();
  readonly held: { key: string; record: WireRecord; send: () => Promise<void> }[] = [];

  refuses(tripId: string, what: string): boolean {
    const left = this.refusals.get(`${tripId} ${what}`) ?? 0;
    if (left > 0) this.refusals.set(`${tripId} ${what}`, left - 1);
    return left > 0;
  }

  isHeld(tripId: string, what: string): boolean {
    return this.held.some(({ key }) => key === `${tripId} ${what}`);
  }

  /** Lets every held reply go, each twice, as a broker may deliver it. */
  async release(): Promise<void> {
    this.holding.clear();
    for (const { send } of this.held.splice(0)) {
      // A broker that has just come back refuses for a moment.
      await eventually(send);
      await eventually(send);
    }
  }

  lose(): void {
    this.held.splice(0);
  }
}

/** A transport whose replies the tests can hold back. The trips of these tests have the id of their saga. */
function holding(transport: Transport, orders: Orders): Transport {
  return new Proxy(transport, {
    get(target, property) {
      if (property !== 'send') {
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      }
      return (records: WireRecord[]) => {
        const pass = records.filter((record) => {
          const key = `${record.headers['ce_sagaid']} ${what(record)}`;
          if (!orders.holding.has(key)) return true;
          orders.held.push({ key, record, send: () => target.send([{ ...record, headers: { ...record.headers } }]) });
          return false;
        });
        return pass.length ? target.send(pass) : Promise.resolve();
      };
    },
  });
}

/** `x.book-room.v1.reply` → `book-room` */
const what = (record: WireRecord) => record.headers['ce_type']?.split('.')[1];

async function effect(tx: Tx, tripId: string, what: string): Promise<void> {
  await tx.query('INSERT INTO effect (trip_id, what) VALUES ($1, $2)', [tripId, what]);
}

async function has(tx: Tx, tripId: string, what: string): Promise<boolean> {
  return (await tx.query<unknown[]>('SELECT FROM effect WHERE trip_id = $1 AND what = $2', [tripId, what])).length > 0;
}

const ORDERS = Symbol('orders');

function hotelProvider(c: TripCommands): Type {
  @Injectable()
  class Hotel {
    constructor(@Inject(ORDERS) private readonly orders: Orders) {}

    @Consume(c.bookHotel)
    async book({ payload: { tripId } }: CommandOf<TripCommands['bookHotel']>, tx: Tx) {
      if (this.orders.refuses(tripId, 'book-room') || (await has(tx, tripId, 'cancel-room'))) return refuse('HOTEL_FULL');
      await effect(tx, tripId, 'book-room');
      return { room: '12' };
    }

    @Consume(c.cancelHotel)
    async cancel({ payload: { tripId } }: CommandOf<TripCommands['cancelHotel']>, tx: Tx) {
      if (this.orders.refuses(tripId, 'cancel-room')) return refuse('TOO_BUSY');
      await effect(tx, tripId, 'cancel-room');
      return {};
    }
  }
  return Hotel;
}

function airlineProvider(c: TripCommands): Type {
  @Injectable()
  class Airline {
    constructor(@Inject(ORDERS) private readonly orders: Orders) {}

    @Consume(c.bookFlight)
    async book({ payload: { tripId } }: CommandOf<TripCommands['bookFlight']>, tx: Tx) {
      if (this.orders.poison.has(`${tripId} book-seat`)) {
        await effect(tx, tripId, 'half a seat');
        throw new Error('no seat map for this aircraft');
      }
      if (this.orders.refuses(tripId, 'book-seat') || (await has(tx, tripId, 'cancel-seat'))) return refuse('FLIGHT_FULL');
      await effect(tx, tripId, 'book-seat');
      return {};
    }

    @Consume(c.cancelFlight)
    async cancel({ payload: { tripId } }: CommandOf<TripCommands['cancelFlight']>, tx: Tx) {
      await effect(tx, tripId, 'cancel-seat');
      return {};
    }

    @Consume(c.payTrip)
    async pay({ payload: { tripId } }: CommandOf<TripCommands['payTrip']>, tx: Tx) {
      if (this.orders.refuses(tripId, 'take-payment')) return refuse('CARD_REFUSED');
      await effect(tx, tripId, 'take-payment');
      return {};
    }

    @Consume(c.issueTickets)
    async issue({ payload: { tripId } }: CommandOf<TripCommands['issueTickets']>, tx: Tx) {
      if (this.orders.poison.has(`${tripId} issue-tickets`)) throw new Error('no such paper');
      if (this.orders.refuses(tripId, 'issue-tickets')) return refuse('PRINTER_JAM');
      await effect(tx, tripId, 'issue-tickets');
      return {};
    }
  }
  return Airline;
}

export interface ParticipantOptions {
  service: string;
  kind: 'hotel' | 'airline';
  commands: TripCommands;
  brokers: string[];
  config: DatabaseConfig;
  orders: Orders;
}

/** A participant as a service of its own, in this process. */
export async function startParticipant({
  service,
  kind,
  commands,
  brokers,
  config,
  orders,
}: ParticipantOptions): Promise<INestApplicationContext> {
  @Module({
    imports: [
      DatabaseModule.forRoot({ config, entities: [], migrations: [...messagingMigrations, Effects1700000000000] }),
      MessagingModule.forRoot({
        service,
        transport: holding(kafkaTransport({ brokers, clientId: service }), orders),
        definitions: Object.values(commands) as AnyCommand[],
        consumes: [],
      }),
    ],
    providers: [{ provide: ORDERS, useValue: orders }, kind === 'hotel' ? hotelProvider(commands) : airlineProvider(commands)],
  })
  class Participant {}
  return NestFactory.createApplicationContext(Participant, { logger: false, abortOnError: false });
}

/** What was set aside of a trip's commands, and why. */
export const deadLettersOf = (database: Database, tripId: string) =>
  database.primary.query<{ type: string; reason: string; error: string }[]>(
    'SELECT type, reason, error FROM dead_letter WHERE key = $1 ORDER BY id',
    [tripId],
  );

/** What was done for a trip, sorted; each thing as often as it was done. */
export async function effectsOf(database: Database, tripId: string): Promise<string[]> {
  const rows = await database.primary.query<{ what: string }[]>('SELECT what FROM effect WHERE trip_id = $1 ORDER BY what', [tripId]);
  return rows.map((row) => row.what);
}
