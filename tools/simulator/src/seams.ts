import type { OrderStore } from '@ballast/order/domain';
import type { PaymentProvider, PaymentStore, RefundService } from '@ballast/payment/domain';
import type { ReservationStore } from '@ballast/inventory/domain';
import type { InboxStore, IntentStore, OutboxStore, RelayStore, Router, UnitOfWork } from '@ballast/messaging/parts';
import type { OperationStore } from '@ballast/psp/domain';
import type { AnySaga } from '@ballast/saga';
import type { ResolvedSagaOptions, SagaStore } from '@ballast/saga/parts';
import type { IdempotencyStore } from '@ballast/service/parts';
import type { Transport } from '@ballast/messaging';
import type { MemoryDatabase } from './memory/database.js';
import type { SagaTables } from './memory/saga.js';
import type { MessagingTables } from './memory/messaging.js';
import type { Process } from './process.js';
import type { World } from './world.js';

/** Where a part is being put in. */
export interface Place {
  service: string;
  process: Process;
  world: World;
  database: MemoryDatabase;
  tables: MessagingTables;
  /** Where the service has sagas. */
  sagas?: SagaTables;
}

/**
 * Every part that stands between the platform's logic and the simulated world, on its way into a process. By itself each is what it is;
 * a mutation puts another in its place, from which one safeguard is missing.
 */
export const plain = {
  inboxStore: (store: InboxStore, _place: Place): InboxStore => store,
  outboxStore: (store: OutboxStore, _place: Place): OutboxStore => store,
  relayStore: (store: RelayStore, _place: Place): RelayStore => store,
  intentStore: (store: IntentStore, _place: Place): IntentStore => store,
  sagaStore: (store: SagaStore, _place: Place): SagaStore => store,
  paymentStore: (store: PaymentStore, _place: Place): PaymentStore => store,
  reservationStore: (store: ReservationStore, _place: Place): ReservationStore => store,
  orderStore: (store: OrderStore, _place: Place): OrderStore => store,
  operationStore: (store: OperationStore): OperationStore => store,
  idempotencyStore: (store: IdempotencyStore, _place: Place): IdempotencyStore => store,
  transport: (transport: Transport, _place: Place): Transport => transport,
  /** What handlers and workers begin transactions with. */
  unitOfWork: (unit: UnitOfWork, _place: Place): UnitOfWork => unit,
  router: (router: Router, _place: Place): Router => router,
  provider: (provider: PaymentProvider, _place: Place): PaymentProvider => provider,
  refunds: (refunds: RefundService, _place: Place, _payments: PaymentStore): RefundService => refunds,
  saga: (definition: AnySaga): AnySaga => definition,
  sagaOptions: (options: ResolvedSagaOptions, _place: Place): ResolvedSagaOptions => options,
};

export type Seams = typeof plain;
