export { isTransient, isUnavailable, isUniqueViolation, sqlState } from './classify.js';
export { type Credentials, type DatabaseConfig, type Host, hostName, parseHosts } from './config.js';
export { Database, type DatabaseOptions, type TransactionOptions } from './database.js';
export { DatabaseModule } from './database.module.js';
export * from './errors.js';
export type { MigrationClass } from './migrate.js';
export type { View } from './topology.js';
export type { Isolation } from './transaction.js';
export { afterCommit, beforeCommit, requireTransaction, type Tx, txState } from './tx.js';
