/** The ports of this library and its tables, for a simulator and its tests. */
export { serviceMigrations } from './migrations.js';
export { type IdempotencyStore, type KeptAnswer, sqlIdempotencyStore } from './idempotency.store.js';
