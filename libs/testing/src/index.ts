export { type Child, type ChildOptions, type Exit, killChildren, logTail, runChild, startChild } from './child.js';
export { type Availability, dockerImageAvailable } from './docker.js';
export { eventually } from './eventually.js';
export { type FaultProxy, faultProxy } from './fault-proxy.js';
export { isRunning, killProcess, pauseFamily, pauseProcess } from './faults.js';
export {
  kafkaAvailable,
  type KafkaFaults,
  type KafkaKind,
  type KafkaOptions,
  NoKafkaError,
  type RunningKafka,
  startKafka,
} from './kafka.js';
export { dropKafka, pauseDockerKafka } from './kafka-docker.js';
export { randomSecret, uniqueName } from './names.js';
export { freePort, type Host, portIsFree } from './ports.js';
export { dropPostgres, type PostgresAccess, type PostgresOptions, type RunningPostgres, startPostgres } from './postgres.js';
export type { PostgresNode } from './postgres-node.js';
export { createServiceDatabase, testDatabase, type TestDatabaseConfig } from './service-database.js';
export { testBrokers, testPostgres } from './test-environment.js';
export { workspaceRoot } from './workspace.js';
