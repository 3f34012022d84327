import { randomUUID } from 'node:crypto';
import { Checker, CheckoutLoad, type Credentials, registerBuyers, Shopper, type Sources } from '@ballast/e2e';
import { TimedAnswers } from './answers.js';
import { anyOf } from './gateways.js';
import { PendingOrders } from './pending-orders.js';
import { keepSignedIn } from './sign-ins.js';

export interface LoadOptions {
  gateways: readonly string[];
  merchant: Credentials;
  rate: number;
  buyers: number;
  sources: Sources;
}

/** An acknowledged checkout; times in milliseconds since 1970. */
export interface Acknowledgement {
  orderId: string;
  asked: number;
  at: number;
}

/** What became of an accepted order. */
export interface OrderEnd {
  orderId: string;
  status: string;
  acceptedAt: number;
  /** By the platform's own clock; undefined while it has not ended. */
  endedAt?: number;
}

/** Buyers at a steady rate through every gateway, whether the cluster keeps up or not, and books in which each order has to turn up. */
export class Load {
  readonly answers = new TimedAnswers();
  private load!: CheckoutLoad;
  private readonly pending: PendingOrders;
  private readonly closing = new AbortController();

  private constructor(
    private readonly sku: string,
    merchant: Shopper,
    private readonly buyers: readonly Shopper[],
    private readonly checker: Checker,
    private readonly rate: number,
    /** When a request was sent again at another gateway, milliseconds since 1970. */
    readonly resent: readonly number[],
  ) {
    this.pending = new PendingOrders(() => this.load.accepted);
    keepSignedIn([merchant, ...buyers], this.closing.signal);
  }

  static async open({ gateways, merchant: account, rate, buyers, sources }: LoadOptions): Promise<Load> {
    const resent: number[] = [];
    const fetch = anyOf(gateways, undefined, () => resent.push(Date.now()));
    const merchant = await Shopper.signIn(gateways[0]!, account, fetch);
    const sku = `sku-chaos-${randomUUID().slice(0, 8)}`;
    const product = { name: 'Tested rope', price: { amount: 100, currency: 'EUR' }, stock: 1_000_000 };
    const { status, body } = await merchant.put(`/products/${sku}`, product);
    if (status !== 200) throw new Error(`the product was not taken: ${status} ${JSON.stringify(body)}`);
    const shoppers = await registerBuyers(gateways, buyers, fetch);
    await shoppers[0]!.knows(sku);
    return new Load(sku, merchant, shoppers, await Checker.open(sources, merchant, [sku]), rate, resent);
  }

  start(): void {
    this.load = new CheckoutLoad(this.buyers, { sku: this.sku, rate: this.rate, limit: 400, answers: this.answers });
    this.pending.start();
  }

  get acknowledged(): Acknowledgement[] {
    return this.load.accepted.map(({ orderId, asked, at }) => ({ orderId, asked: epoch(asked), at: epoch(at) }));
  }

  /** Of the last checkout that was acknowledged. */
  get lastAcknowledged(): { asked: number; at: number } | undefined {
    const last = this.load.accepted.at(-1);
    return last && { asked: epoch(last.asked), at: epoch(last.at) };
  }

  /** For how long the oldest accepted order that is not known to be final has been waiting, in milliseconds. */
  get oldestPending(): number {
    const oldest = this.pending.oldest;
    return oldest ? performance.now() - oldest.at : 0;
  }

  /** When a turn found no buyer without an order on its way. */
  get unserved(): number[] {
    return this.load.unserved.map(epoch);
  }

  get leftOut(): number {
    return this.load.leftOut;
  }

  /** Begins nothing more, waits for every definite answer and every end, and gives the differences in the books. */
  async settle(patience: number): Promise<{ differences: string[]; ends: OrderEnd[] }> {
    // One that never had a definite answer may be an order nobody knows of: the books show it too.
    const unanswered = await this.load.stop(patience).then(
      () => [],
      (error: Error) => [error.message],
    );
    const { accepted } = this.load;
    await this.pending.stop();
    const differences = [...unanswered, ...(await this.checker.check(accepted, patience))];
    this.closing.abort();
    const views = new Map(this.checker.orders.map((order) => [order.orderId, order]));
    const ends = accepted.map(({ orderId, at }): OrderEnd => {
      const view = views.get(orderId);
      const final = view && view.status !== 'PENDING' ? view.history.at(-1) : undefined;
      return {
        ...{ orderId, acceptedAt: epoch(at), status: view?.status ?? 'not there' },
        ...(final && { endedAt: Date.parse(final.at) }),
      };
    });
    return { differences, ends };
  }

  /** At once, whatever is at work. */
  async abandon(): Promise<void> {
    this.closing.abort();
    await this.pending.stop();
    await this.load?.abandon();
  }
}

const epoch = (at: number): number => performance.timeOrigin + at;
