export { type AnswerOf, Deferred, defer, Refusal, refuse, Refused } from './answer.js';
export { type Clock, systemClock } from './clock.js';
export { Consume, type HandlerOf } from './consume.js';
export { DeadLetterOperations, kindOf, type LetterKind, type LetterOutcome } from './dead-letter.operations.js';
export { deadLetterStatuses, type DeadLetterStatus, type LetterFilter, type ListedLetter } from './dead-letter.store.js';
export { deadLetterReasons, type DeadLetterReason } from './incoming.js';
export { type AnyIntent, intent, type IntentDefinition, type IntentDraft } from './intent.js';
export { Intents } from './intents.js';
export { type KafkaClientName, kafkaClients } from './kafka.client.js';
export { type KafkaOptions, kafkaTransport } from './kafka.transport.js';
export { setLanes } from './lanes.js';
export { type Lanes, MOST_LANES } from './lanes.sql.js';
export { MemoryBroker, type MemoryBrokerOptions } from './memory.broker.js';
export { memoryTransport, type MemoryTransportOptions } from './memory.transport.js';
export { lagNow } from './lag.js';
export { Messaging } from './messaging.js';
export { MessagingModule, type MessagingOptions } from './messaging.module.js';
export { messagingMigrations } from './migrations/index.js';
export { OperationRefusedError, type OperationRefusal } from './operation.errors.js';
export { Outbox, PayloadTooLargeError } from './outbox.js';
export { type LaneBacklog, OutboxOperations, type ParkedRecord } from './outbox.operations.js';
export { type Attempt, Perform, type PerformOptions, type Settlement } from './perform.js';
export { DEFAULT_RETENTION, type MessagingRetention } from './retention.js';
export { type IncomingReply, Replies, type ReplyListener } from './replies.js';
export {
  type Batch,
  BrokerUnavailableError,
  PartlySentError,
  type ReceivedRecord,
  RecordRefusedError,
  type SubscribeOptions,
  type Subscription,
  type Transport,
} from './transport.js';
export { WiringError } from './wiring.js';
