import 'reflect-metadata';
import { CartConsumers, CartController, CartService, CatalogueService } from '@ballast/cart/domain';
import cart from '@ballast/cart/service';
import { messages } from '@ballast/contracts';
import type { Database } from '@ballast/database';
import { InventoryConsumers, ReservationService } from '@ballast/inventory/domain';
import inventory from '@ballast/inventory/service';
import type { AnyCommand } from '@ballast/message';
import { Intents, Outbox, Replies } from '@ballast/messaging';
import {
  checkResult,
  checkWiring,
  DeadLetters,
  discover,
  Inbox,
  IntentWorker,
  Relay,
  ReplyWriter,
  routerOf,
  setCause,
  type Performing,
  Wakeup,
} from '@ballast/messaging/parts';
import { CheckoutSaga, OrderConsumers, OrderService } from '@ballast/order/domain';
import order from '@ballast/order/service';
import {
  LedgerService,
  PaymentConsumers,
  PaymentController,
  PaymentService,
  PaymentWorkers,
  processorPolicy,
  PspProvider,
  RefundService,
  type Config,
} from '@ballast/payment/domain';
import payment from '@ballast/payment/service';
import { Sagas, type AnySaga } from '@ballast/saga';
import { ParkedReplies, resolveOptions, SagaDeadlines, SagaRegistry, SagaRuntime, StepRunner } from '@ballast/saga/parts';
import { Idempotency } from '@ballast/service';
import { MetadataScanner, type DiscoveryService } from '@nestjs/core';
import { Connection, remote } from './connection.js';
import type { Instance } from './instance.js';
import { MemoryInboxStore, MemoryIntentStore, MemoryOutboxStore, MemoryRelayStore } from './memory/messaging.js';
import { MemoryParkedReplyStore, MemorySagaStore } from './memory/saga.js';
import type { Process } from './process.js';
import type { Place } from './seams.js';
import type { Shop } from './shop.js';
import { SimulatedTransport } from './transport.js';

/** What a service's own part is built with. */
interface Foundation {
  shop: Shop;
  place: Place;
  instance: Instance;
  connection: Connection;
  /** The connection in the place of `Database`: of that, the services use `transaction` and `available`. */
  database: Database;
  outbox: Outbox;
  intents: Intents;
  replies: Replies;
  transport: SimulatedTransport;
  idempotency: Idempotency;
}

const commands = new Map(messages.flatMap((d) => (d.kind === 'command' ? [[d.type, d as AnyCommand]] : [])));
const manifests = { cart, inventory, order, payment };
export type ServiceName = keyof typeof manifests;
export const services = Object.keys(manifests) as ServiceName[];

/** The HTTP doors of a process that the simulated clients knock at. */
export interface Doors {
  cart?: CartController;
  payment?: PaymentController;
}

/** Gives the providers that have handlers, and starts what else runs in such a process. */
const own: Record<ServiceName, (f: Foundation) => { providers: object[]; doors?: Doors }> = {
  cart({ shop, database, outbox, idempotency }) {
    const catalogue = new CatalogueService();
    const carts = new CartService(database, shop.stores.carts, outbox, idempotency, catalogue);
    return { providers: [new CartConsumers(carts, catalogue)], doors: { cart: new CartController(carts) } };
  },
  inventory({ shop, place }) {
    return { providers: [new InventoryConsumers(new ReservationService(shop.seams.reservationStore(shop.stores.reservations, place)))] };
  },
  order({ shop, place, connection, database, outbox, replies, transport }) {
    const { clock } = place.process;
    const options = shop.seams.sagaOptions(
      resolveOptions({ service: 'order', transport, clock, ...(shop.scenario.deadline !== undefined && { grace: '1s' }) }),
      place,
    );
    const registry = new SagaRegistry();
    const tables = shop.tables.sagas;
    const store = shop.seams.sagaStore(remote(connection, new MemorySagaStore(tables), 'due', 'postpone', 'tick', 'census'), place);
    const parked = remote(connection, new MemoryParkedReplyStore(tables), 'waiting', 'refuse', 'count');
    const runtime = new SagaRuntime(store, parked, database, registry, new StepRunner(outbox, options), replies, options);
    const orders = new OrderService(shop.seams.orderStore(shop.stores.orders, place), outbox);
    const checkout = new CheckoutSaga(orders);
    registry.add(shop.seams.saga(hurried(checkout.definition, shop.scenario.deadline)), 'CheckoutSaga');
    replies.handle((reply, tx) => runtime.onReply(reply, tx));
    new SagaDeadlines(store, runtime, registry, database, options).onApplicationBootstrap();
    new ParkedReplies(parked, runtime, registry, database, options).onApplicationBootstrap();
    return { providers: [new OrderConsumers(orders, new Sagas(runtime), checkout)] };
  },
  payment({ shop, place, instance, connection, database, intents, idempotency }) {
    const payments = shop.seams.paymentStore(remote(connection, shop.stores.payments, 'get', 'find'), place);
    const refundStore = remote(connection, shop.stores.refunds, 'get');
    const ledger = new LedgerService(shop.stores.ledger);
    const service = new PaymentService(payments, ledger);
    const refunds = shop.seams.refunds(new RefundService(refundStore, payments, ledger, intents), place, payments);
    const config = { pspUrl: shop.psp.addressFor(place.process, instance), pspApiKey: 'simulated' } as Config;
    const workers = new PaymentWorkers(service, refunds, shop.seams.provider(new OwnPspProvider(config), place));
    const controller = new PaymentController(database, service, refunds, ledger, idempotency);
    return { providers: [new PaymentConsumers(service), workers], doors: { payment: controller } };
  },
};

class OwnPspProvider extends PspProvider {
  protected override readonly processor = processorPolicy();
}

/**
 * Puts a service together as its module, `MessagingModule` and `SagaModule` do, on simulated ports, and sets it going. Keep it in step
 * with `Messaging` of libs/messaging.
 */
export function boot(shop: Shop, service: ServiceName, process: Process, instance: Instance): Doors {
  const { world, weather, seams } = shop;
  const tables = shop.tables.messaging[service];
  const place: Place = {
    service,
    process,
    world,
    database: tables.database,
    tables,
    ...(service === 'order' && { sagas: shop.tables.sagas }),
  };
  const connection = new Connection(process, instance, tables.database, weather);
  const unit = seams.unitOfWork(connection, place);
  const database = Object.create(connection, { transaction: { value: unit.transaction.bind(unit) } }) as unknown as Database;
  const simulated = new SimulatedTransport(process, instance, shop.broker, weather);
  const transport = seams.transport(simulated, place);
  const { clock } = process;
  const { newId } = world;
  const manifest = manifests[service];
  const { consumes = [], sends = [] } = manifest as { consumes?: typeof cart.consumes; sends?: readonly AnyCommand[] };

  const inboxStore = seams.inboxStore(new MemoryInboxStore(tables), place);
  const outboxStore = shop.watched(new MemoryOutboxStore(tables), tables.database);
  const relayStore = seams.relayStore(
    remote(connection, new MemoryRelayStore(tables), 'acquire', 'renew', 'release', 'pending', 'remove', 'park', 'backlog'),
    place,
  );
  const intentStore = seams.intentStore(
    remote(connection, new MemoryIntentStore(tables, instance.name), 'claim', 'takeBack', 'postpone', 'bringForward', 'open'),
    place,
  );
  const relayWakeup = new Wakeup();
  const performing = new Map<string, Performing>();
  const outbox = new Outbox({ service, store: seams.outboxStore(outboxStore, place), clock, newId, relay: relayWakeup });
  const replies = new Replies([...messages, ...sends]);
  const intents = new Intents({ store: intentStore, newId, workers: performing });
  const idempotency = new Idempotency({} as never, undefined, seams.idempotencyStore(shop.stores.idempotency[service], place));

  const f = { shop, place, instance, connection, database, outbox, intents, replies, transport: simulated, idempotency };
  const { providers, doors = {} } = own[service](f);
  const found = discover(discovery(providers), new MetadataScanner());
  checkWiring({ service, definitions: messages, consumes }, found);

  const replyWriter = new ReplyWriter({ service, outbox, clock, newId });
  const forever = new AbortController().signal;
  for (const performer of found.performers) {
    const worker = new IntentWorker({
      performer: shop.watchedPerformer(performer, tables.database),
      store: intentStore,
      inbox: inboxStore,
      database,
      replies: replyWriter,
      checkReply: (type, result) => checkResult(commands.get(type)!, result),
      clock,
      random: world.random.next,
      wakeup: new Wakeup(),
    });
    performing.set(worker.kind, worker);
    void worker.run(forever);
  }
  const relay = new Relay({ store: relayStore, transport, clock, owner: instance.name, wakeup: relayWakeup });
  void relay.run(forever);
  const router = seams.router(shop.effects.watching(service, tables.database, routerOf(found.handlers, replies)), place);
  const inbox = new Inbox({
    group: service,
    router,
    database,
    store: inboxStore,
    deadLetters: new DeadLetters({ store: inboxStore, outbox, replies: replyWriter, service }),
    replies: replyWriter,
    intents,
    setCause,
    clock,
  });
  void transport.subscribe({ group: service, topics: topicsOf(service, consumes, replies), onBatch: (batch) => inbox.onBatch(batch) });
  return doors;
}

/** The saga, its deadlines cut to so many milliseconds. */
const hurried = ({ plan, ...definition }: AnySaga, deadline?: number): AnySaga =>
  deadline === undefined
    ? { plan, ...definition }
    : { ...definition, plan: { ...plan, steps: plan.steps.map((step) => ({ ...step, within: Math.min(step.within, deadline) })) } };

/** As `Messaging.topics` has them. */
function topicsOf(service: string, consumes: readonly { topic: string }[], replies: Replies): string[] {
  const commands = messages.filter((d) => d.kind === 'command' && d.service === service);
  const topics = new Set([...consumes, ...commands].map(({ topic }) => topic));
  if (replies.listener) topics.add(`${service}.replies`);
  return [...topics];
}

/** These providers and no others, as Nest would find them. */
const discovery = (instances: readonly object[]): DiscoveryService =>
  ({
    getProviders: () => instances.map((instance) => ({ instance, metatype: instance.constructor, isDependencyTreeStatic: () => true })),
  }) as unknown as DiscoveryService;
