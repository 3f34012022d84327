import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { PaymentView } from './books.js';
import { expectProblem } from './problem.js';
import type { Answer, OrderView, Shopper } from './shop.js';
import type { Action } from './walk-actions.js';
import { isCart, PRICES, REASONS, totalOf, whole, type Buyer, type CartView, type Order } from './walk-model.js';

/**
 * A walk through the shop beside a model of it. The model knows carts, orders, stock and refunds exactly; the one thing it
 * cannot know is when a checkout ends, so while one is under way it takes "checking out" for an answer, or finds out.
 */
export class Walk {
  private constructor(
    private readonly merchant: Shopper,
    private readonly buyers: Buyer[],
    private readonly skus: string[],
    private readonly stock: number[],
  ) {}

  static async begin({ merchant, buyers, run }: { merchant: Shopper; buyers: Shopper[]; run: string }): Promise<Walk> {
    const skus = [...PRICES.map((_, i) => `walk-${run}-${i}`), `walk-${run}-none`];
    const stock = [6, 2, 4];
    for (const [i, price] of PRICES.entries()) {
      const { status } = await merchant.put(`/products/${skus[i]}`, { name: `Product ${i}`, price, stock: stock[i] });
      assert.equal(status, 200);
    }
    // A walk begins with empty carts, in which every product is known. One cart has one currency, so each is taken out again.
    for (const shopper of buyers) {
      const { body } = await shopper.get<CartView>('/cart');
      for (const { sku } of body.items) await shopper.delete(`/cart/items/${sku}`);
      for (const sku of skus.slice(0, PRICES.length)) {
        await shopper.knows(sku);
        await shopper.delete(`/cart/items/${sku}`);
      }
    }
    const fresh = (shopper: Shopper): Buyer => ({
      shopper,
      cart: new Map(),
      seen: undefined,
      orders: [],
      pending: undefined,
      last: undefined,
    });
    return new Walk(merchant, buyers.map(fresh), skus, stock);
  }

  async take(action: Action): Promise<void> {
    switch (action.do) {
      case 'put':
        return this.put(this.buyers[action.buyer]!, action.product, action.quantity);
      case 'remove':
        return this.change(this.buyers[action.buyer]!, action.product, 0, (shopper, path) => shopper.delete(path));
      case 'show':
        return this.show(this.buyers[action.buyer]!);
      case 'checkout':
        return this.checkout(this.buyers[action.buyer]!, action.token, action.key);
      case 'read order':
        return this.readOrder(this.buyers[action.buyer]!, this.buyers[action.owner]!);
      case 'refund':
        return this.refund(action);
      case 'stock':
        return this.setStock(action);
      case 'read product':
        return this.readProduct(action.product);
    }
  }

  /** Every order has ended, stock and payments are what they have to be after it, and the ledger balances. */
  async end(): Promise<void> {
    for (const buyer of this.buyers) {
      await this.settle(buyer);
      for (const order of buyer.orders) {
        const payment = await this.paymentOf(buyer, order);
        const captured = order.end!.status === 'CONFIRMED' ? order.total : 0;
        assert.deepEqual([payment?.captured.amount ?? 0, payment?.refunded.amount ?? 0], [captured, order.refunded]);
      }
    }
    for (const [i, left] of this.stock.entries()) await this.available(i, left);
    assert.equal((await this.merchant.get('/payments/ledger')).body['balanced'], true);
  }

  private put(buyer: Buyer, product: number, quantity: unknown): Promise<void> {
    return this.change(buyer, product, quantity, (shopper, path) => shopper.put(path, { quantity }));
  }

  private async change(
    buyer: Buyer,
    product: number,
    quantity: unknown,
    send: (shopper: Shopper, path: string) => Promise<Answer>,
  ): Promise<void> {
    const answer = await send(buyer.shopper, `/cart/items/${this.skus[product]}`);
    if (!whole(quantity, 0, 999)) return expectProblem(answer, '400 VALIDATION_FAILED');
    if (product >= PRICES.length) return expectProblem(answer, '404 CART_UNKNOWN_SKU');
    if (await this.stillCheckingOut(buyer, answer)) return;
    const others = [...buyer.cart.keys()].filter((other) => other !== product);
    if (quantity > 0 && others.some((other) => PRICES[other]!.currency !== PRICES[product]!.currency))
      return expectProblem(answer, '409 CART_CURRENCY_MISMATCH');
    if (quantity > 0) buyer.cart.set(product, quantity);
    else buyer.cart.delete(product);
    isCart(answer, buyer, this.skus);
  }

  private async show(buyer: Buyer): Promise<void> {
    await this.settle(buyer);
    isCart(await buyer.shopper.get('/cart'), buyer, this.skus);
  }

  private async checkout(buyer: Buyer, token: string, kind: string): Promise<void> {
    const key = kind === 'fresh' || !buyer.last ? randomUUID() : buyer.last.key;
    const paymentToken =
      kind === 'reused' && buyer.last ? `${buyer.last.token}_other` : kind === 'again' && buyer.last ? buyer.last.token : token;
    const headers: Record<string, string> = kind === 'none' ? {} : { 'idempotency-key': key };
    const answer = await buyer.shopper.post<{ orderId: string }>('/cart/checkout', { paymentToken }, headers);
    if (paymentToken.includes(' '))
      return expectProblem(answer, '400 VALIDATION_FAILED', ...(kind === 'none' ? ['400 IDEMPOTENCY_KEY_REQUIRED'] : []));
    if (kind === 'none') return expectProblem(answer, '400 IDEMPOTENCY_KEY_REQUIRED');
    if (buyer.last && kind === 'again') return assert.deepEqual([answer.status, answer.body.orderId], [202, buyer.last.orderId]);
    if (buyer.last && kind === 'reused') return expectProblem(answer, '422 IDEMPOTENCY_KEY_REUSED');
    if (await this.stillCheckingOut(buyer, answer)) return;
    if (buyer.cart.size === 0) return expectProblem(answer, '409 CART_EMPTY');
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    const { orderId } = answer.body;
    assert(!this.buyers.some(({ orders }) => orders.some((order) => order.orderId === orderId)), 'an order id was given twice');
    buyer.pending = { orderId, items: new Map(buyer.cart), total: totalOf(buyer.cart), token: paymentToken, refunded: 0 };
    buyer.orders.push(buyer.pending);
    buyer.last = { key, token: paymentToken, orderId };
  }

  /** True when the answer is that the checkout under way has to end first. Otherwise it has ended, and the model learns how. */
  private async stillCheckingOut(buyer: Buyer, answer: Answer<unknown>): Promise<boolean> {
    if (!buyer.pending) return false;
    if ((answer.body as { code?: string }).code === 'CART_CHECKING_OUT') {
      expectProblem(answer, '409 CART_CHECKING_OUT');
      assert.equal((answer.body as { orderId: string }).orderId, buyer.pending.orderId);
      return true;
    }
    await this.settle(buyer);
    return false;
  }

  /** Waits for the end of the buyer's checkout, which has to be one that its token and the stock allow. */
  private async settle(buyer: Buyer): Promise<void> {
    const order = buyer.pending;
    if (!order) return;
    order.end = await buyer.shopper.final(order.orderId);
    await buyer.shopper.cartOpens();
    buyer.pending = undefined;
    const { status, reason, total } = order.end;
    assert.equal(total.amount, order.total);
    if (status === 'CONFIRMED') {
      assert.equal(order.token, 'tok_ok');
      for (const [product, quantity] of order.items) this.stock[product]! -= quantity;
      assert(
        this.stock.every((left) => left >= 0),
        `more was sold than there was: ${this.stock.join()}`,
      );
      buyer.cart = new Map();
    } else assert(REASONS[order.token]!.includes(String(reason)), `${order.token} ended ${status} ${reason}`);
  }

  private async readOrder(reader: Buyer, owner: Buyer): Promise<void> {
    const order = owner.orders.at(-1);
    if (!order) return expectProblem(await reader.shopper.get(`/orders/${randomUUID()}`), '404 ORDER_NOT_FOUND');
    const answer = await reader.shopper.get<OrderView>(`/orders/${order.orderId}`);
    // Order hears of a checkout by an event: until then it is not found, with a request to come again.
    if (answer.status === 404) {
      expectProblem(answer, '404 ORDER_NOT_FOUND');
      return assert(reader !== owner || (!order.end && answer.headers.get('retry-after') === '1'), 'an order that was seen is gone');
    }
    assert.equal(answer.status, 200);
    assert.equal(reader, owner, 'someone else’s order was shown');
    if (order.end) assert.equal(answer.body.status, order.end.status);
    assert.equal(answer.body.total.amount, order.total);
  }

  private async refund({ role, owner, amount, currency }: Extract<Action, { do: 'refund' }>): Promise<void> {
    const buyer = this.buyers[owner]!;
    await this.settle(buyer);
    const order = buyer.orders.find(({ end }) => end?.status === 'CONFIRMED');
    const payment = order && (await this.paymentOf(buyer, order));
    const path = `/payments/${payment?.paymentId ?? randomUUID()}/refunds`;
    const answer = await this.as(role).post(path, { amount: { amount, currency } }, { 'idempotency-key': randomUUID() });
    if (role !== 'merchant') return expectProblem(answer, role === 'buyer' ? '403 FORBIDDEN' : '401 UNAUTHENTICATED');
    if (!whole(amount, 1, Number.MAX_SAFE_INTEGER)) return expectProblem(answer, '400 VALIDATION_FAILED');
    if (!order || !payment) return expectProblem(answer, '404 PAYMENT_NOT_FOUND');
    if (currency !== payment.captured.currency) return expectProblem(answer, '409 PAYMENT_CURRENCY_MISMATCH');
    if (amount > order.total - order.refunded) return expectProblem(answer, '409 PAYMENT_REFUND_EXCEEDS_CAPTURE');
    assert.equal(answer.status, 201);
    order.refunded += amount;
  }

  private async paymentOf(buyer: Buyer, { orderId }: Order): Promise<PaymentView | undefined> {
    return (await buyer.shopper.get<{ items: PaymentView[] }>(`/payments?orderId=${orderId}`)).body.items[0];
  }

  /** Only while nothing is on its way, so that the model knows what there is. */
  private async setStock({ role, product, stock }: Extract<Action, { do: 'stock' }>): Promise<void> {
    for (const buyer of this.buyers) await this.settle(buyer);
    const body = { name: `Product ${product}`, price: PRICES[product], stock };
    const answer = await this.as(role).put(`/products/${this.skus[product]}`, body);
    if (role !== 'merchant') return expectProblem(answer, role === 'buyer' ? '403 FORBIDDEN' : '401 UNAUTHENTICATED');
    if (!whole(stock, 0, 1e9)) return expectProblem(answer, '400 VALIDATION_FAILED');
    assert.deepEqual([answer.status, answer.body['available']], [200, stock]);
    this.stock[product] = stock;
  }

  private async readProduct(product: number): Promise<void> {
    const answer = await this.merchant.get<{ available: number }>(`/products/${this.skus[product]}`);
    if (product >= PRICES.length) return expectProblem(answer, '404 PRODUCT_NOT_FOUND');
    assert.equal(answer.status, 200);
    assert(answer.body.available >= 0, `${answer.body.available} available`);
  }

  /** GET /products may come from a replica, which lags behind. */
  private async available(product: number, expected: number): Promise<void> {
    for (const until = Date.now() + 10_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const { body } = await this.merchant.get<{ available: number }>(`/products/${this.skus[product]}`);
      if (body.available === expected) return;
      assert(Date.now() < until, `${body.available} of product ${product} are available instead of ${expected}`);
    }
  }

  private as(role: 'merchant' | 'buyer' | 'nobody' | string): Shopper {
    if (role === 'merchant') return this.merchant;
    return role === 'buyer' ? this.buyers[0]!.shopper : this.merchant.with('');
  }
}
