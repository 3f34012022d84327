import { randomUUID } from 'node:crypto';
import {
  authorisePayment,
  capturePayment,
  cartCheckedOut,
  commitStock,
  orderConfirmed,
  orderRejected,
  releaseStock,
  reserveStock,
  voidPayment,
} from '@ballast/contracts';
import { Database } from '@ballast/database';
import { encode, replyType, type AnyCommand, type Envelope, type Reply } from '@ballast/message';
import type { Transport } from '@ballast/messaging';
import { Neighbours, testService, type TestResponse, type TestService } from '@ballast/service/testing';
import { eventually, testBrokers, testDatabase } from '@ballast/testing';
import { v7 } from 'uuid';
import manifest from '../service.js';
import { OrderModule, storage } from '../src/order.module.js';

const MINUTE = 60_000;
export const STEPS = [reserveStock, authorisePayment, capturePayment, commitStock] as const;
const UNDOS = [releaseStock, voidPayment] as const;
export const paymentId = randomUUID();

export const ok = (result: object = {}): Reply => ({ outcome: 'succeeded', result });
export const fails = (code: string): Reply => ({ outcome: 'failed', code, message: code });
export const success = (command: AnyCommand): Reply => ok(command.type === authorisePayment.type ? { paymentId } : {});

/** order on a real Kafka and Postgres. Cart, inventory and payment are played by the test, answer by answer. */
export class Shop {
  service: TestService;
  private out: Transport;

  private constructor(
    private readonly store: Awaited<ReturnType<typeof testDatabase>>,
    readonly neighbours: Neighbours,
  ) {}

  static async open(): Promise<Shop> {
    const topics = ['order.events', 'inventory.commands', 'payment.commands'];
    const [store, neighbours] = await Promise.all([testDatabase('order'), Neighbours.listenTo(testBrokers(), topics)]);
    const shop = new Shop(store, neighbours);
    shop.out = neighbours.transport();
    await shop.out.connect(['order.replies']);
    await shop.start();
    return shop;
  }

  /** The service; again after `service.close()`. */
  async start(): Promise<void> {
    const transport = this.neighbours.transport();
    this.service = await testService(OrderModule, manifest, {
      ...storage,
      database: this.store.config,
      brokers: testBrokers(),
      transport,
    });
  }

  async close(): Promise<void> {
    await this.service?.close();
    await this.out?.close();
    await this.neighbours.close();
    await this.store.drop();
  }

  get database(): Database {
    return this.service.app.get(Database, { strict: false });
  }

  /** A cart is checked out, and heard of so many times. */
  async checkOut({ times = 1, accountId = randomUUID(), orderId = v7() } = {}): Promise<Purchase> {
    const purchase = new Purchase(this, orderId, accountId);
    await this.neighbours.publish([purchase.event], times);
    return purchase;
  }

  reply(command: Envelope, reply: Reply, times = 1): Promise<void> {
    return this.send(Array.from({ length: times }, () => command).map((c) => this.replyRecord(c, reply)));
  }

  /** The very same message so many times, as a broker may deliver it again. */
  redeliver(command: Envelope, reply: Reply, times: number): Promise<void> {
    return this.send(Array<ReturnType<Shop['replyRecord']>>(times).fill(this.replyRecord(command, reply)));
  }

  /** Deadlines count working time: this lets so much of it pass. They are looked at once the service has run for 15 s. */
  async timePasses(minutes = 6): Promise<void> {
    await this.database.primary.query('UPDATE saga_clock SET working_ms = working_ms + $1', [minutes * MINUTE]);
  }

  private send(records: ReturnType<Shop['replyRecord']>[]): Promise<void> {
    return eventually(() => this.out.send(records));
  }

  private replyRecord(command: Envelope, payload: Reply) {
    const { sagaId, id: causationId, type } = command;
    const envelope = { id: randomUUID(), source: '/ballast/test', type: replyType(type), key: sagaId!, time: new Date() };
    return encode(command.replyTo!, { ...envelope, payload, sagaId: sagaId!, causationId, trace: {} });
  }
}

/** One checkout, as its buyer and the participants see it. */
export class Purchase {
  readonly event;

  constructor(
    private readonly shop: Shop,
    readonly id: string,
    readonly accountId: string,
  ) {
    const unitPrice = { amount: 2500, currency: 'EUR' };
    const items = [{ sku: 'lamp', name: 'The lamp', quantity: 2, unitPrice }];
    const total = { amount: 5000, currency: 'EUR' };
    this.event = cartCheckedOut({ orderId: id, cartId: randomUUID(), accountId, items, total, paymentToken: 'tok_ok' });
  }

  commands(definition: AnyCommand): Envelope[] {
    return this.shop.neighbours.heard.filter((m) => m.type === definition.type && m.sagaId === this.id);
  }

  /** The command, when it was sent at least so many times. */
  command(definition: AnyCommand, times = 1): Promise<Envelope> {
    return eventually(
      () => {
        const sent = this.commands(definition);
        if (sent.length < times) throw new Error(`${definition.type} was sent ${sent.length} times, not ${times}`);
        return sent.at(-1)!;
      },
      { timeout: 60_000 },
    );
  }

  async answer(definition: AnyCommand, reply: Reply = success(definition), times = 1): Promise<void> {
    await this.shop.reply(await this.command(definition), reply, times);
  }

  /** Every step before this one succeeds; this one is sent and has no answer yet. */
  async reaches(definition: AnyCommand): Promise<Envelope> {
    for (const step of STEPS.slice(0, STEPS.indexOf(definition as (typeof STEPS)[number]))) await this.answer(step);
    return this.command(definition);
  }

  /** From here on every step and undo succeeds, each answered `times` times. */
  async goesOn(from: AnyCommand, times = 1): Promise<void> {
    for (const step of STEPS.slice(STEPS.indexOf(from as (typeof STEPS)[number]))) await this.answer(step, success(step), times);
  }

  async request(path = ''): Promise<TestResponse> {
    return this.shop.service.request(`/orders/${this.id}${path}`, { token: await this.shop.service.token(this.accountId) });
  }

  /** Waits for a final status, and that it was published exactly once. */
  async ends(status: 'CONFIRMED' | 'REJECTED', reason?: string): Promise<void> {
    await eventually(async () => expect((await this.request()).body).toMatchObject({ status, ...(reason && { reason }) }), {
      timeout: 60_000,
    });
    await eventually(() => expect(this.published()).not.toEqual([]));
    const { orderId, cartId, accountId } = this.event.payload;
    expect(this.published()).toEqual([
      status === 'CONFIRMED'
        ? { type: orderConfirmed.type, orderId, cartId, accountId }
        : { type: orderRejected.type, orderId, cartId, accountId, reason },
    ]);
  }

  published(): object[] {
    const ends = [...this.shop.neighbours.eventsOf(orderConfirmed), ...this.shop.neighbours.eventsOf(orderRejected)];
    const unique = new Map(ends.filter((e) => e.payload.orderId === this.id).map((e) => [e.id, e]));
    return [...unique.values()].map(({ type, payload }) => ({ type, ...payload }));
  }

  async history(): Promise<string[]> {
    const { history } = (await this.request()).body as { history: { step: string; outcome: string }[] };
    return history.map(({ step, outcome }) => `${step} ${outcome}`);
  }

  /** Every undo that is sent succeeds, until the order has ended. */
  async isUndone(undos: readonly AnyCommand[] = UNDOS): Promise<void> {
    for (const undo of undos) await this.answer(undo);
  }
}
