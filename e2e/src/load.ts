import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Accepted } from './checker.js';
import { inTurns } from './in-turns.js';
import { type Answer, type Fetch, Shopper } from './shop.js';

export interface LoadOptions {
  /** Begun per second, whether what was begun before has ended or not: a platform that hangs is not spared (no coordinated omission). */
  rate: number;
  /** At work at the same time, at most; what would be more is left out and counted. */
  limit?: number;
}

/** Runs work at a steady rate until it is stopped. */
export class OpenLoop {
  /** How many were left out because too many were at work. */
  leftOut = 0;
  begun = 0;
  private readonly atWork = new Set<Promise<unknown>>();
  private failure?: { error: unknown };
  private readonly timer: NodeJS.Timeout;

  constructor({ rate, limit = 200 }: LoadOptions, work: (n: number) => Promise<unknown>) {
    const start = performance.now();
    let due = 0;
    this.timer = setInterval(() => {
      // A late timer makes up for what it missed.
      for (; due <= ((performance.now() - start) * rate) / 1000; due++) {
        if (this.atWork.size >= limit) {
          this.leftOut++;
          continue;
        }
        const one = work(this.begun++).finally(() => this.atWork.delete(one));
        one.catch((error: unknown) => (this.failure ??= { error }));
        this.atWork.add(one);
      }
    }, 20).unref();
  }

  /** Begins nothing more; resolves when all that was begun has ended, and rejects with the first error of the work. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.allSettled(this.atWork);
    if (this.failure) throw this.failure.error;
  }
}

/** Answers by what was asked and how it was answered, and those that no caller should ever see. */
export class Answers {
  /** For example `{'POST /cart/checkout 202': 17}`. */
  readonly counts: Record<string, number> = {};
  /** A reset, a time-out, a 5xx that is not 503, a 503 that is no problem+json or does not say when to come back. */
  readonly broken: string[] = [];

  /** Asks, counts the answer and gives it; undefined when none came. */
  async of<T>(what: string, ask: () => Promise<Answer<T>>): Promise<Answer<T> | undefined> {
    try {
      const answer = await ask();
      this.count(`${what} ${answer.status}`);
      if (answer.status >= 500 && !isPoliteRefusal(answer)) this.broken.push(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer;
    } catch (error) {
      const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
      this.count(`${what} no answer`);
      this.broken.push(`${what}: ${cause?.code ?? cause?.message ?? message}`);
      return undefined;
    }
  }

  /** How many answers there were to requests whose name begins so. */
  total(prefix: string): number {
    return Object.entries(this.counts).reduce((sum, [what, n]) => sum + (what.startsWith(prefix) ? n : 0), 0);
  }

  private count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}

/** 503 as the contract has it: a problem document, and when to come back. */
export const isPoliteRefusal = ({ status, headers, body }: Answer<unknown>): boolean =>
  status === 503 &&
  /^application\/problem\+json/.test(headers.get('content-type') ?? '') &&
  Number(headers.get('retry-after')) > 0 &&
  typeof (body as { code?: unknown }).code === 'string';

/** So many accounts, signed in, spread over the gateways: argon2 is slow on purpose, so a few at a time. */
export async function registerBuyers(gateways: readonly string[], count: number, fetch?: Fetch): Promise<Shopper[]> {
  return inTurns(4, Array.from({ length: count }), (_, n) => Shopper.register(gateways[n % gateways.length]!, fetch));
}

/** For drills that may last longer than an access token does. */
export async function signInAgain(buyers: readonly Shopper[]): Promise<void> {
  await inTurns(4, buyers, (buyer) => buyer.signInAgain());
}

/** An acknowledged checkout: when the request that was answered so was sent, and when its answer came (`performance.now()`). */
export type Acknowledged = Accepted & { asked: number; at: number };

/** Buyers whom one turn asks at most. More would be a load of its own just when no order ends. */
const ASKED_PER_TURN = 5;

/**
 * Buyers who take turns: one piece into the cart, then the checkout. Whose last order is still on its way leaves the turn to the next: a
 * platform that is slow to end its orders is not spared, as long as there is a free buyer. A checkout without a definite answer is asked
 * for again with the same key until there is one, as an honest client does: afterwards `accepted` is all that can have become an order.
 */
export class CheckoutLoad {
  readonly answers: Answers;
  readonly accepted: (Acknowledged & { token: string })[] = [];
  /** When a turn came to nothing because it found no free buyer (`performance.now()`): the load was less than its rate then. */
  readonly unserved: number[] = [];
  /** Those who are not at work; who bought last is asked last. */
  private readonly queue: Shopper[];
  private readonly loop: OpenLoop;
  private given = false;

  constructor(
    private readonly buyers: readonly Shopper[],
    private readonly options: LoadOptions & { sku: string; tokens?: readonly string[]; answers?: Answers },
  ) {
    this.queue = [...buyers];
    this.answers = options.answers ?? new Answers();
    this.loop = new OpenLoop(options, (n) => this.turn(n));
  }

  /** Ends the load and waits for the definite answer of every checkout; after `patience` milliseconds what has none is an error. */
  async stop(patience = 60_000): Promise<Acknowledged[]> {
    const timer = setTimeout(() => (this.given = true), patience);
    await this.loop.stop().finally(() => clearTimeout(timer));
    return this.accepted;
  }

  get leftOut(): number {
    return this.loop.leftOut;
  }

  /** For the end of a test that failed half way: nothing goes on behind it. */
  async abandon(): Promise<void> {
    await this.stop(0).catch(() => undefined);
  }

  private async turn(n: number): Promise<void> {
    for (let asked = Math.min(this.buyers.length, ASKED_PER_TURN); asked > 0; asked--) {
      const buyer = this.queue.shift();
      if (!buyer) break;
      const free = await this.buy(buyer, n).finally(() => this.queue.push(buyer));
      if (free) return;
    }
    this.unserved.push(performance.now());
  }

  /** False: the buyer's last order is still on its way. */
  private async buy(buyer: Shopper, n: number): Promise<boolean> {
    const { sku, tokens = ['tok_ok'] } = this.options;
    const item = await this.answers.of('PUT /cart/items', () => buyer.put(`/cart/items/${sku}`, { quantity: 1 }));
    if (item?.status === 409) return false;
    if (item?.status !== 200) return true; // away
    const [key, token] = [randomUUID(), tokens[n % tokens.length]!];
    for (;;) {
      const asked = performance.now();
      const answer = await this.answers.of('POST /cart/checkout', () => buyer.checkout({}, token, key));
      if (answer?.status === 202) {
        this.accepted.push({ buyer, sku, quantity: 1, token, orderId: answer.body.orderId, asked, at: performance.now() });
        return true;
      }
      const unknown = !answer || answer.status >= 500 || errorCode(answer) === 'IDEMPOTENCY_KEY_IN_USE';
      if (!unknown) return true;
      if (this.given) throw new Error(`a checkout has had no definite answer, the last was ${answer?.status ?? 'none'}`);
      await sleep(100);
    }
  }
}

const errorCode = ({ body }: Answer<unknown>): string | undefined => (body as { code?: string }).code;
