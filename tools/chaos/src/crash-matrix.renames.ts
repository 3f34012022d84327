import { setTimeout as sleep } from 'node:timers/promises';
import type { Shopper } from '@ballast/e2e';

const PAUSE = 250;
/** An answer to a rename would count as inventory's first work after a death: it is left alone until it has handled messages again. */
const PAUSE_WHEN_AWAY = 15_000;

/**
 * A merchant who renames a product that nobody buys, again and again: many events of one key are on their way at the same time, and come in
 * one batch to who was dead. The messages of an order could hardly get into another order, since each is written when the one before was handled.
 */
export class Renames {
  private readonly over = new AbortController();
  private readonly running: Promise<void>;

  constructor(
    private readonly merchant: Shopper,
    private readonly sku: string,
  ) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.over.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    for (let n = 0; !this.over.signal.aborted; n++) {
      const product = { name: `Name ${n}`, price: { amount: 100, currency: 'EUR' }, stock: 1 };
      const renamed = await this.merchant.put(`/products/${this.sku}`, product).then(
        ({ status }) => status === 200,
        () => false,
      );
      await sleep(renamed ? PAUSE : PAUSE_WHEN_AWAY, undefined, { signal: this.over.signal }).catch(() => undefined);
    }
  }
}
