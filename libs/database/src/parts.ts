/** What a simulator builds transactions of its own from, and nothing else needs: services use `Database`. */
export { isSerializationFailure } from './classify.js';
export { openScope, type TransactionScope } from './tx.js';
