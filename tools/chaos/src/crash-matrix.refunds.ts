import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Shopper } from '@ballast/e2e';

/** One after the other, and a pause after each. */
const PAUSE = 200;
/** Younger orders are still on their way, mostly. */
const SETTLED_AFTER = 2_000;

interface Order {
  orderId: string;
  /** `performance.now()`. */
  at: number;
}

interface Payment {
  paymentId: string;
  status: string;
  captured: { amount: number };
}

export interface RefundOptions {
  amount: number;
  orders(): readonly Order[];
}

/**
 * A merchant who gives back a part of every order that was paid: asks with one key until there is an answer, then once more with it, which
 * must give nothing more; then for all that was paid, with another key, which is more than is left and has to be refused.
 */
export class Refunds {
  readonly made: { orderId: string; amount: number }[] = [];
  private readonly running: Promise<void>;
  private end = Infinity;
  /** Those that were asked for. What has no answer may have taken effect all the same. */
  private readonly keys = new Map<string, string>();
  private readonly done = new Set<string>();

  constructor(
    private readonly merchant: Shopper,
    private readonly o: RefundOptions,
  ) {
    this.running = this.run();
    this.running.catch(() => undefined);
  }

  /** Begins none any more; waits until each that was asked for has its answer, for so many milliseconds at most. */
  async stop(patience: number): Promise<void> {
    this.end = performance.now() + patience;
    await this.running;
  }

  private async run(): Promise<void> {
    for (let turn = 0; ; turn++) {
      const stopping = this.end < Infinity;
      const due = this.o.orders().filter(({ orderId, at }) => {
        if (this.done.has(orderId)) return false;
        return this.keys.has(orderId) || (!stopping && performance.now() - at > SETTLED_AFTER);
      });
      if (stopping && !due.length) return;
      if (performance.now() > this.end) throw new Error(`${due.length} refunds have had no definite answer`);
      // Each in its turn: one whose payment is not there yet, or away, does not keep the others.
      const order = due[turn % Math.max(1, due.length)];
      if (order && (await this.refund(order.orderId).catch(() => false))) this.done.add(order.orderId);
      await sleep(PAUSE);
    }
  }

  /** True when there is nothing left to do for the order. */
  private async refund(orderId: string): Promise<boolean> {
    const { body } = await this.merchant.get<{ items?: Payment[] }>(`/payments?orderId=${orderId}`);
    const payment = body.items?.[0];
    if (!payment?.captured.amount) return payment?.status === 'DECLINED' || payment?.status === 'VOIDED';
    const key = this.keys.get(orderId) ?? randomUUID();
    this.keys.set(orderId, key);
    const { amount } = this.o;
    if ((await this.ask(payment, amount, key)) !== 201) return false;
    this.made.push({ orderId, amount });
    this.done.add(orderId);
    await this.ask(payment, amount, key);
    await this.ask(payment, payment.captured.amount, randomUUID());
    return true;
  }

  private async ask({ paymentId }: Payment, amount: number, key: string): Promise<number> {
    const wanted = { amount: { amount, currency: 'EUR' } };
    return (await this.merchant.post(`/payments/${paymentId}/refunds`, wanted, { 'idempotency-key': key })).status;
  }
}
