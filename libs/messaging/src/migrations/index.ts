import type { MigrationClass } from '@ballast/database';
import { Messaging1760000000200 } from './1760000000200-messaging.js';
import { Retention1760000000210 } from './1760000000210-retention.js';
import { Operations1760000000230 } from './1760000000230-operations.js';
import { Lanes1760000000240 } from './1760000000240-lanes.js';
import { RelayPresence1760000000250 } from './1760000000250-relay-presence.js';

/** The tables of outbox, inbox, dead letters and intents: add them to a service's own migrations. */
export const messagingMigrations: MigrationClass[] = [
  Messaging1760000000200,
  Retention1760000000210,
  Operations1760000000230,
  Lanes1760000000240,
  RelayPresence1760000000250,
];
