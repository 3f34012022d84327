import { Database, type DatabaseConfig, type Tx } from '@ballast/database';
import { SqlCartStore, storage as cart, type CartStore } from '@ballast/cart/domain';
import { SqlReservationStore, storage as inventory, type ReservationStore } from '@ballast/inventory/domain';
import { messagingMigrations } from '@ballast/messaging';
import {
  sqlInboxStore,
  SqlIntentStore,
  sqlOutboxStore,
  SqlRelayStore,
  type InboxStore,
  type IntentStore,
  type OutboxStore,
  type RelayStore,
} from '@ballast/messaging/parts';
import { SqlOrderStore, storage as order, type OrderStore } from '@ballast/order/domain';
import {
  SqlLedgerStore,
  SqlPaymentStore,
  SqlRefundStore,
  storage as payment,
  type LedgerStore,
  type PaymentStore,
  type RefundStore,
} from '@ballast/payment/domain';
import { SqlOperationStore, storage as psp, type OperationStore } from '@ballast/psp/domain';
import { sagaMigrations } from '@ballast/saga';
import { PostgresParkedReplyStore, PostgresSagaStore, type ParkedReplyStore, type SagaStore } from '@ballast/saga/parts';
import { serviceMigrations, sqlIdempotencyStore, type IdempotencyStore } from '@ballast/service/parts';
import { testDatabase } from '@ballast/testing';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { MemoryDatabase } from '../src/memory/database.js';
import { MemoryInboxStore, MemoryIntentStore, MemoryOutboxStore, MemoryRelayStore, MessagingTables } from '../src/memory/messaging.js';
import { MemoryLedgerStore, MemoryOperationStore, MemoryPaymentStore, MemoryRefundStore } from '../src/memory/money.js';
import { MemoryParkedReplyStore, MemorySagaStore, SagaTables } from '../src/memory/saga.js';
import { MemoryCartStore, MemoryIdempotencyStore, MemoryOrderStore, MemoryReservationStore } from '../src/memory/shop.js';

/** Every store of the platform, on one kind of storage, and what the tests need to set it up. */
export interface Rig {
  /** To read with, outside of a transaction. */
  reader: EntityManager;
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  inbox: InboxStore;
  outbox: OutboxStore;
  relay: RelayStore;
  intents: IntentStore;
  /** Of another replica of the same service. */
  otherIntents: IntentStore;
  sagas: SagaStore;
  parked: ParkedReplyStore;
  carts: CartStore;
  reservations: ReservationStore;
  orders: OrderStore;
  payments: PaymentStore;
  refunds: RefundStore;
  ledger: LedgerStore;
  operations: OperationStore;
  idempotency: IdempotencyStore;
  addProduct(sku: string, onHand: number): Promise<void>;
  stockOf(sku: string): Promise<{ onHand: number; reserved: number }>;
  close(): Promise<void>;
}

export const rigs: Record<string, () => Promise<Rig>> = { Postgres: postgres, memory };

async function postgres(): Promise<Rig> {
  const { config, drop } = (await testDatabase('stores')) as { config: DatabaseConfig; drop(): Promise<void> };
  const apps = [cart, inventory, order, payment, psp];
  const db = await Database.open({
    config,
    entities: apps.flatMap(({ entities }) => entities as never[]),
    migrations: [...messagingMigrations, ...sagaMigrations, ...serviceMigrations, ...apps.flatMap(({ migrations }) => migrations)],
  });
  await db.ready;
  return {
    reader: db.primary,
    transaction: (work) => db.transaction(work),
    inbox: sqlInboxStore,
    outbox: sqlOutboxStore,
    relay: new SqlRelayStore(db),
    intents: new SqlIntentStore(db, 'one'),
    otherIntents: new SqlIntentStore(db, 'two'),
    sagas: new PostgresSagaStore(db),
    parked: new PostgresParkedReplyStore(db),
    carts: new SqlCartStore(db),
    reservations: new SqlReservationStore(),
    orders: new SqlOrderStore(db),
    payments: new SqlPaymentStore(db),
    refunds: new SqlRefundStore(db),
    ledger: new SqlLedgerStore(db),
    operations: new SqlOperationStore(db),
    idempotency: sqlIdempotencyStore,
    async addProduct(sku, onHand) {
      await db.primary.query(`INSERT INTO product (sku, name, price_amount, price_currency, on_hand) VALUES ($1, $1, 100, 'EUR', $2)`, [
        sku,
        onHand,
      ]);
      await db.primary.query(`INSERT INTO catalogue (sku, name, price_amount, price_currency, version) VALUES ($1, $1, 100, 'EUR', 1)`, [
        sku,
      ]);
    },
    async stockOf(sku) {
      const [row] = await db.primary.query<[{ onHand: number; reserved: number }]>(
        'SELECT on_hand AS "onHand", reserved FROM product WHERE sku = $1',
        [sku],
      );
      return row;
    },
    async close() {
      await db.close();
      await drop();
    },
  };
}

async function memory(): Promise<Rig> {
  const db = new MemoryDatabase('stores', Date.now);
  const tables = new MessagingTables(db);
  const sagas = new SagaTables(db);
  const carts = new MemoryCartStore(db, uuidv7);
  const reservations = new MemoryReservationStore(db);
  return {
    reader: {} as EntityManager,
    async transaction(work) {
      const { result, commit } = await db.begin(work);
      commit()();
      return result;
    },
    inbox: new MemoryInboxStore(tables),
    outbox: new MemoryOutboxStore(tables),
    relay: new MemoryRelayStore(tables),
    intents: new MemoryIntentStore(tables, 'one'),
    otherIntents: new MemoryIntentStore(tables, 'two'),
    sagas: new MemorySagaStore(sagas),
    parked: new MemoryParkedReplyStore(sagas),
    carts,
    reservations,
    orders: new MemoryOrderStore(db),
    payments: new MemoryPaymentStore(db, uuidv7),
    refunds: new MemoryRefundStore(db, uuidv7),
    ledger: new MemoryLedgerStore(db, uuidv7),
    operations: new MemoryOperationStore(db),
    idempotency: new MemoryIdempotencyStore(db),
    async addProduct(sku, onHand) {
      const price = { amount: 100, currency: 'EUR' };
      reservations.products.put(sku, { sku, name: sku, price, onHand, reserved: 0, version: 1 });
      carts.catalogue.put(sku, { sku, name: sku, price, version: 1 });
    },
    async stockOf(sku) {
      const { onHand, reserved } = reservations.products.get(sku)!;
      return { onHand, reserved };
    },
    async close() {},
  };
}
