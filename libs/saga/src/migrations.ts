import type { MigrationClass } from '@ballast/database';
import { Saga1760000000300 } from './migrations/1760000000300-saga.js';
import { ParkedReply1760000000310 } from './migrations/1760000000310-parked-reply.js';
import { SagaArchive1760000000320 } from './migrations/1760000000320-saga-archive.js';
import { Abandoned1760000000330 } from './migrations/1760000000330-abandoned.js';

/** Creates the tables of sagas; for `DatabaseModule.forRoot({ migrations: [...sagaMigrations, …] })`. */
export const sagaMigrations: MigrationClass[] = [
  Saga1760000000300,
  ParkedReply1760000000310,
  SagaArchive1760000000320,
  Abandoned1760000000330,
];
