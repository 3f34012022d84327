import { hash } from 'node:crypto';
import type { AccountClaims, IdempotentRequest } from '@ballast/service';
import { ProblemError } from '@ballast/service';
import type { PlannedOrder } from './scenario.js';
import { accountOf, type Shop } from './shop.js';
import type { Doors } from './services.js';

/** Milliseconds. */
const PATIENCE = 8_000;
const PAUSE = 300;
const REFUND_LOOKS = 400;

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

/** What a client was told: an answer, or a definite no. */
type Told<T> = { body: T } | { refused: string };

/** An order its buyer was told is accepted. */
export interface Acceptance {
  order: PlannedOrder;
  orderId: string;
}

/** Buyers and a merchant. They ask until they are answered, always under the same key. */
export class Clients {
  readonly accepted: Acceptance[] = [];
  readonly refused: { order: PlannedOrder; code: string }[] = [];
  /** By order id, minor units: what the merchant was told is given back. */
  readonly refunded = new Map<string, number>();
  /** Who still waits for an answer. */
  waiting = 0;

  constructor(private readonly shop: Shop) {}

  plan(orders: readonly PlannedOrder[]): void {
    for (const order of orders) {
      this.waiting++;
      this.shop.world.after(order.at, () => void this.buy(order));
    }
  }

  private async buy(order: PlannedOrder): Promise<void> {
    const told = await Promise.all(Array.from({ length: order.twice ? 2 : 1 }, () => this.checkOut(order)));
    for (const answer of told) {
      if ('refused' in answer) this.refused.push({ order, code: answer.refused });
      else if (!this.accepted.some(({ orderId }) => orderId === answer.body.orderId)) {
        this.shop.world.note('buyer', `order ${order.number} is accepted as ${answer.body.orderId}`);
        this.accepted.push({ order, orderId: answer.body.orderId });
      }
    }
    for (const answer of told) if ('body' in answer) await this.giveBack(order, answer.body.orderId);
    this.waiting--;
  }

  private checkOut({ number, token }: PlannedOrder): Promise<Told<{ orderId: string }>> {
    const accountId = accountOf(number);
    const request: IdempotentRequest = { scope: digest(`checkout/${number}`), bodyHash: digest(token) };
    return this.ask('cart', (door) => door.checkOut(request, { accountId } as AccountClaims, { paymentToken: token }));
  }

  /** Asks for several refunds at once, when the order was paid; together they may be more than it. */
  private async giveBack({ refunds, number }: PlannedOrder, orderId: string): Promise<void> {
    const { world, stores } = this.shop;
    if (!refunds.length || this.refunded.has(orderId)) return;
    this.refunded.set(orderId, 0);
    for (let looks = 0; looks < REFUND_LOOKS; looks++) {
      const status = stores.orders.orders.get(orderId)?.status;
      if (status === 'CONFIRMED') break;
      if (status === 'REJECTED') return;
      await world.pass(2_000);
    }
    const [payment] = await stores.payments.find({ orderId });
    if (!payment) return;
    await Promise.all(
      refunds.map(async (share, i) => {
        const amount = { amount: Math.max(1, Math.floor((payment.amount * share) / 100)), currency: payment.currency! };
        const request = { scope: digest(`refund/${number}/${i}`), bodyHash: digest(String(amount.amount)) };
        const told = await this.ask('payment', (door) => door.refund(payment.id, { amount }, request));
        if ('body' in told) this.refunded.set(orderId, this.refunded.get(orderId)! + amount.amount);
      }),
    );
  }

  /** Until somebody answers: an answer that is lost, or late, is asked for again. */
  private async ask<K extends keyof Doors, T>(service: K, call: (door: NonNullable<Doors[K]>) => Promise<{ body: T }>): Promise<Told<T>> {
    const { world, weather } = this.shop;
    for (;;) {
      await world.pass(world.random.latency(2));
      const server = this.shop.door(service);
      if (server) {
        const answer = server.process
          .running()
          .then(() => call(server.door))
          .then(
            async ({ body }): Promise<Told<T> | undefined> => {
              await server.process.arrive(world.random.latency(2));
              return { body };
            },
            (error: unknown) => (isRefusal(error) ? { refused: error.code } : undefined),
          );
        const told = await Promise.race([answer, world.pass(PATIENCE)]);
        if (told && !weather.strikes('answers-lost')) return told;
      }
      await world.pass(PAUSE + world.random.int(0, PAUSE));
    }
  }
}

/** An answer that will not be another one when it is asked for again. */
const isRefusal = (error: unknown): error is ProblemError =>
  error instanceof ProblemError && error.status < 500 && error.code !== 'IDEMPOTENCY_KEY_IN_USE';
