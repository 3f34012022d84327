import type { Tx } from '@ballast/database';
import type { OutboxStore, Performer } from '@ballast/messaging/parts';
import { CartItem } from '@ballast/cart/domain';
import { Broker } from './broker.js';
import { Connection } from './connection.js';
import { EffectLog } from './effects.js';
import { Instance } from './instance.js';
import { MemoryDatabase } from './memory/database.js';
import { MessagingTables } from './memory/messaging.js';
import { MemoryLedgerStore, MemoryOperationStore, MemoryPaymentStore, MemoryRefundStore } from './memory/money.js';
import { SagaTables } from './memory/saga.js';
import { MemoryCartStore, MemoryIdempotencyStore, MemoryOrderStore, MemoryReservationStore } from './memory/shop.js';
import type { Process } from './process.js';
import { processor, PspNetwork } from './psp.js';
import { PRICES, SCARCE, SKUS, type Scenario } from './scenario.js';
import type { Seams } from './seams.js';
import { boot, services, type Doors, type ServiceName } from './services.js';
import { Weather, type Fault } from './weather.js';
import type { World } from './world.js';

const INSTANCES = 2;
const ON_HAND = 10_000;
const CURRENCY = 'EUR';

/** The whole platform in one world: databases, broker, processor, two instances of each service. */
export class Shop {
  readonly weather: Weather;
  readonly broker: Broker;
  readonly effects: EffectLog;
  readonly psp: PspNetwork;
  readonly databases: Record<ServiceName | 'psp', MemoryDatabase>;
  readonly tables: { messaging: Record<ServiceName, MessagingTables>; sagas: SagaTables };
  readonly stores;
  readonly instances: Instance[] = [];
  /** Pieces on hand, by SKU. */
  readonly initialStock = new Map<string, number>();
  private readonly doors = new Map<Process, Doors>();
  private handler?: { process: Process; handle: ReturnType<typeof processor> };

  constructor(
    readonly world: World,
    readonly seams: Seams,
    readonly scenario: Scenario,
  ) {
    this.weather = new Weather((probability) => world.random.chance(probability));
    this.effects = new EffectLog(world.note.bind(world));
    this.broker = new Broker(world, this.weather);
    this.psp = new PspNetwork(world, this.weather, () => (this.handler?.process.alive ? this.handler : undefined));
    const database = (name: string) => new MemoryDatabase(name, () => world.date);
    const databases = {
      cart: database('cart'),
      inventory: database('inventory'),
      order: database('order'),
      payment: database('payment'),
      psp: database('psp'),
    };
    this.databases = databases;
    const each = <T>(make: (database: MemoryDatabase) => T): Record<ServiceName, T> => ({
      cart: make(databases.cart),
      inventory: make(databases.inventory),
      order: make(databases.order),
      payment: make(databases.payment),
    });
    this.tables = { messaging: each((d) => new MessagingTables(d)), sagas: new SagaTables(databases.order) };
    this.stores = {
      idempotency: each((d) => new MemoryIdempotencyStore(d)),
      carts: new MemoryCartStore(databases.cart, world.newId),
      reservations: new MemoryReservationStore(databases.inventory),
      orders: new MemoryOrderStore(databases.order),
      payments: new MemoryPaymentStore(databases.payment, world.newId),
      refunds: new MemoryRefundStore(databases.payment, world.newId),
      ledger: new MemoryLedgerStore(databases.payment, world.newId),
      operations: new MemoryOperationStore(databases.psp),
    };
  }

  /** Stocks the shelves; fills a basket for each order, whose account is its own. */
  async open(): Promise<void> {
    const { orders } = this.scenario;
    const { carts, reservations } = this.stores;
    const price = (sku: string) => ({ amount: PRICES[sku]!, currency: CURRENCY });
    for (const sku of [...SKUS, SCARCE]) {
      carts.catalogue.put(sku, { sku, name: sku, price: price(sku), version: 1 });
      const onHand = sku === SCARCE ? Math.max(1, Math.floor(orders.length / 6)) : ON_HAND;
      this.initialStock.set(sku, onHand);
      reservations.products.put(sku, { sku, name: sku, price: price(sku), onHand, reserved: 0, version: 1 });
    }
    const filled = await this.databases.cart.begin(async (tx: Tx) => {
      for (const { number, items } of orders) {
        const cart = await carts.lockOrCreate(tx, accountOf(number));
        for (const [position, { sku, quantity }] of items.entries()) {
          const item = Object.assign(new CartItem(), { cartId: cart.id, sku, position, quantity });
          item.bind(carts.catalogue.get(sku)!);
          await carts.putItem(tx, item);
        }
      }
    });
    filled.commit();
    for (const service of services) for (let i = 0; i < INSTANCES; i++) this.add(service, i);
    this.instances.push(new Instance(this.world, 'psp', 'psp-0', (process, instance) => this.bootPsp(process, instance)));
    for (const instance of this.instances) instance.start();
  }

  /** A door of a service, by way of one of its instances; undefined when that one is not there. */
  door<K extends keyof Doors>(service: K): { process: Process; door: NonNullable<Doors[K]> } | undefined {
    const { process } = this.world.random.pick(this.instances.filter((each) => each.service === service));
    return process && { process, door: this.doors.get(process)![service]! };
  }

  begin(fault: Fault): void {
    const { kind, target } = fault;
    this.world.note('fault', `${kind}${target ? ` ${target}` : ''} for ${fault.lasts} ms`);
    this.weather.begin(fault);
    const hit = this.hit(fault);
    if (kind === 'crash' || kind === 'long-outage') for (const each of hit) each.kill();
    if (kind === 'pause') for (const { process } of hit) process?.pause();
    const paused = hit.map(({ process }) => process);
    this.world.after(fault.lasts, () => {
      this.weather.end(fault);
      this.world.note('fault', `${kind}${target ? ` ${target}` : ''} is over`);
      if (kind === 'crash' || kind === 'long-outage') for (const each of hit) each.start();
      if (kind === 'pause') for (const process of paused) process?.continue();
    });
    // The processor and the broker are away, rather than started anew.
    if (kind === 'long-outage' && (target === 'psp' || target === 'broker')) {
      const away: Fault = { kind: `${target}-down`, at: fault.at, lasts: fault.lasts };
      this.weather.begin(away);
      this.world.after(fault.lasts, () => this.weather.end(away));
    }
  }

  /** The outbox store, with what it is given counted as published when the transaction commits. */
  watched(store: OutboxStore, database: MemoryDatabase): OutboxStore {
    return {
      append: async (tx, records) => {
        await store.append(tx, records);
        database.onApplied(tx, () => this.effects.noteRecords(records));
      },
    };
  }

  /** The performer, with each settlement counted when its transaction commits. */
  watchedPerformer(performer: Performer, database: MemoryDatabase): Performer {
    return {
      ...performer,
      perform: async (attempt) => {
        const settlement = await performer.perform(attempt);
        return async (tx) => {
          const result = await settlement(tx);
          database.onApplied(tx, () => this.effects.noteSettled(database.name, performer.definition.kind, attempt.id));
          return result;
        };
      },
    };
  }

  private add(service: ServiceName, number: number): void {
    this.instances.push(
      new Instance(this.world, service, `${service}-${number}`, (process, instance) =>
        this.doors.set(process, boot(this, service, process, instance)),
      ),
    );
  }

  private bootPsp(process: Process, instance: Instance): void {
    const connection = new Connection(process, instance, this.databases.psp, this.weather);
    this.handler = { process, handle: processor(connection, this.seams.operationStore(this.stores.operations)) };
  }

  private hit({ kind, target }: Fault): Instance[] {
    if (kind === 'long-outage') return this.instances.filter(({ service }) => service === target && service !== 'psp');
    return this.instances.filter(({ name }) => name === target);
  }
}

/** A UUID for the account of an order. */
export const accountOf = (number: number): string => `acc00000-0000-4000-8000-${String(number).padStart(12, '0')}`;
