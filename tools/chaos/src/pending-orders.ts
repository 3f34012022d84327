import { setTimeout as sleep } from 'node:timers/promises';
import type { Acknowledged } from '@ballast/e2e';

const EVERY = 500;
/** Asked for at a time: enough to keep up, and too few to be a load of its own while nothing ends. */
const AT_A_TIME = 8;

/** Watches accepted orders until they are final: the oldest, and some of the others in turn. */
export class PendingOrders {
  private readonly pending: Acknowledged[] = [];
  private seen = 0;
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(private readonly accepted: () => readonly Acknowledged[]) {}

  start(): void {
    this.loop = this.watch();
  }

  /** The one that was accepted first. */
  get oldest(): Acknowledged | undefined {
    return this.pending[0];
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async watch(): Promise<void> {
    const { signal } = this.stopping;
    for (let turn = 0; !signal.aborted; turn++) {
      const all = this.accepted();
      this.pending.push(...all.slice(this.seen));
      this.seen = all.length;
      const others = this.pending.slice(AT_A_TIME / 2);
      const from = others.length ? (turn * AT_A_TIME) % others.length : 0;
      const asked = [...this.pending.slice(0, AT_A_TIME / 2), ...others.slice(from, from + AT_A_TIME / 2)];
      await Promise.all(asked.map((order) => this.look(order)));
      await sleep(EVERY, undefined, { signal }).catch(() => undefined);
    }
  }

  private async look(order: Acknowledged): Promise<void> {
    const answer = await order.buyer.get(`/orders/${order.orderId}`).catch(() => undefined);
    if (answer?.status === 200 && answer.body['status'] !== 'PENDING') this.pending.splice(this.pending.indexOf(order), 1);
  }
}
