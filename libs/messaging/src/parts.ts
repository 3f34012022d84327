/**
 * What `MessagingModule` is put together from, with the ports it reaches storage and time through: for a simulator that puts the same
 * parts together on ports of its own. Services need none of it.
 */
export { setCause } from './cause.js';
export { DeadLetters } from './dead-letters.js';
export { discover } from './discovery.js';
export { type DeadLetter, type InboxStore, sqlInboxStore } from './inbox.store.js';
export { Inbox, type UnitOfWork } from './inbox.js';
export { type ClaimedIntent, type IntentStore, type NewIntent, SqlIntentStore } from './intent.store.js';
export type { Performing } from './intents.js';
export { IntentWorker, type IntentWorkerSettings, type Performer } from './intent.worker.js';
export { type OutboxStore, sqlOutboxStore } from './outbox.store.js';
export { LEASE, Relay } from './relay.js';
export { type PendingRecord, type RelayStore, SqlRelayStore } from './relay.store.js';
export type { ReplyAddress } from './reply-address.js';
export { ReplyWriter } from './reply-writer.js';
export type { Route, Router } from './route.js';
export { Wakeup } from './wakeup.js';
export { checkResult, checkWiring, type Found, routerOf } from './wiring.js';
