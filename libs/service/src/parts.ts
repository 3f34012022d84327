/** The ports of this library, for a simulator. */
export { type IdempotencyStore, type KeptAnswer, sqlIdempotencyStore } from './idempotency.store.js';
