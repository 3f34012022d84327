import { randomUUID } from 'node:crypto';
import { type Answer, Answers, OpenLoop, Shopper } from '@ballast/e2e';

const SKU = 'sku-soak';
/** Access tokens live for ten minutes. */
const SIGN_IN_EVERY = 7 * 60_000;
/** One in ten is declined, so that compensations run too. */
const TOKENS = [...Array.from({ length: 9 }, () => 'tok_ok'), 'tok_declined'];

interface Account {
  email: string;
  password: string;
}

/** Buyers at a steady rate, whether the platform keeps up or not. */
export class Shoppers {
  readonly answers = new Answers();
  accepted = 0;
  private loop?: OpenLoop;
  private timer?: NodeJS.Timeout;
  private given = false;

  private constructor(
    private readonly url: string,
    private readonly accounts: readonly Account[],
    private readonly buyers: Shopper[],
  ) {}

  /** So many accounts, and a product of which there is enough. */
  static async open(url: string, merchant: Account, count: number): Promise<Shoppers> {
    const answer = await (
      await Shopper.signIn(url, merchant)
    ).put(`/products/${SKU}`, {
      name: 'Soaked rope',
      price: { amount: 100, currency: 'EUR' },
      stock: 1_000_000,
    });
    if (answer.status !== 200) throw new Error(`the product was not taken: ${answer.status} ${JSON.stringify(answer.body)}`);
    const accounts: Account[] = [];
    const buyers: Shopper[] = [];
    for (let n = 0; n < count; n++) {
      const account = { email: `soak-${randomUUID()}@example.test`, password: `pw-${randomUUID()}` };
      const { status } = await Shopper.anonymous(url).post('/auth/accounts', account);
      if (status !== 201) throw new Error(`an account was refused: ${status}`);
      accounts.push(account);
      buyers.push(await Shopper.signIn(url, account));
    }
    return new Shoppers(url, accounts, buyers);
  }

  start(rate: number): void {
    this.timer = setInterval(() => void this.signInAgain().catch(() => undefined), SIGN_IN_EVERY);
    this.loop = new OpenLoop({ rate }, (n) => this.turn(n));
  }

  get leftOut(): number {
    return this.loop?.leftOut ?? 0;
  }

  /** Begins nothing more; resolves when every checkout that was begun has a definite answer, or after a minute. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    const giveUp = setTimeout(() => (this.given = true), 60_000);
    await this.loop?.stop().finally(() => clearTimeout(giveUp));
  }

  private async turn(n: number): Promise<void> {
    const buyer = () => this.buyers[n % this.buyers.length]!;
    const item = await this.answers.of('PUT /cart/items', () => buyer().put(`/cart/items/${SKU}`, { quantity: 1 }));
    if (item?.status !== 200) return;
    const key = randomUUID();
    while (!this.given) {
      const answer = await this.answers.of('POST /cart/checkout', () => buyer().checkout({}, TOKENS[n % TOKENS.length], key));
      if (answer?.status === 202) this.accepted++;
      if (answer && answer.status < 500 && !inUse(answer)) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  private async signInAgain(): Promise<void> {
    for (const [n, account] of this.accounts.entries()) this.buyers[n] = await Shopper.signIn(this.url, account);
  }
}

const inUse = ({ body }: Answer<unknown>): boolean => (body as { code?: string }).code === 'IDEMPOTENCY_KEY_IN_USE';
