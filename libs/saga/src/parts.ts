/** What `SagaModule` is put together from, with the ports it reaches storage through: for a simulator. Services need none of it. */
export { SagaDeadlines } from './deadlines.js';
export { type ResolvedSagaOptions, resolveOptions } from './options.js';
export { ParkedReplies } from './parked-replies.js';
export { type ParkedReply, type ParkedReplyStore, PostgresParkedReplyStore } from './parked-store.js';
export { PostgresSagaStore } from './postgres-store.js';
export { isFinished } from './record.js';
export { SagaRegistry } from './registry.js';
export { SagaRuntime } from './runtime.js';
export { StepRunner } from './step-runner.js';
export { type DueSaga, type LockedSaga, LONGEST_TICK, type SagaStore, type SavedProgress } from './store.js';
