import { type Answers, CheckoutLoad, type Credentials, registerBuyers, Shopper, signInAgain } from '@ballast/e2e';

const SKU = 'sku-soak';
/** Access tokens live for ten minutes. */
const SIGN_IN_EVERY = 7 * 60_000;
/** One in ten is declined, so that compensations run too. */
const TOKENS = [...Array.from({ length: 9 }, () => 'tok_ok'), 'tok_declined'];

/** Buyers at a steady rate, whether the platform keeps up or not. */
export class Shoppers {
  private constructor(
    private readonly load: CheckoutLoad,
    private readonly timer: NodeJS.Timeout,
  ) {}

  /** So many accounts, and a product of which there is enough; they begin at once. */
  static async start(url: string, merchant: Credentials, { rate, count }: { rate: number; count: number }): Promise<Shoppers> {
    const answer = await (
      await Shopper.signIn(url, merchant)
    ).put(`/products/${SKU}`, {
      name: 'Soaked rope',
      price: { amount: 100, currency: 'EUR' },
      stock: 1_000_000,
    });
    if (answer.status !== 200) throw new Error(`the product was not taken: ${answer.status} ${JSON.stringify(answer.body)}`);
    const buyers = await registerBuyers([url], count);
    await buyers[0]!.knows(SKU);
    const timer = setInterval(() => void signInAgain(buyers).catch(() => undefined), SIGN_IN_EVERY);
    return new Shoppers(new CheckoutLoad(buyers, { rate, sku: SKU, tokens: TOKENS }), timer);
  }

  get answers(): Answers {
    return this.load.answers;
  }

  get accepted(): number {
    return this.load.accepted.length;
  }

  get leftOut(): number {
    return this.load.leftOut;
  }

  /** Begins nothing more; resolves when every checkout that was begun has a definite answer, or after a minute: `answers` tells. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.load.stop().catch(() => undefined);
  }
}
