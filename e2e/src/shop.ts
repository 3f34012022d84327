import { randomUUID } from 'node:crypto';
import { eventually } from '@ballast/testing';

export interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T;
  headers: Headers;
}
export interface OrderView {
  orderId: string;
  status: 'PENDING' | 'CONFIRMED' | 'REJECTED';
  reason?: string;
  items: { sku: string; quantity: number }[];
  total: { amount: number; currency: string };
  createdAt: string;
  history: { step: string; outcome: string; at: string }[];
}

/** JSON, nothing as `{}`, and what is no JSON as it is. */
export function parseAnswer(text: string): unknown {
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    return text;
  }
}

export interface Credentials {
  email: string;
  password: string;
}

/** How requests are made; one that knows several gateways goes elsewhere when one is gone. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A user of the shop who knows only its public address. */
export class Shopper {
  private credentials?: Credentials;

  private constructor(
    readonly url: string,
    private token?: string,
    private readonly fetch: Fetch = (url, init) => globalThis.fetch(url, init),
  ) {}

  static anonymous(url: string, fetch?: Fetch): Shopper {
    return new Shopper(url, undefined, fetch);
  }

  static async signIn(url: string, credentials: Credentials, fetch?: Fetch): Promise<Shopper> {
    const shopper = new Shopper(url, undefined, fetch);
    shopper.credentials = credentials;
    await shopper.signInAgain();
    return shopper;
  }

  /** A new access token, as they live for ten minutes. For who signed in. */
  async signInAgain(): Promise<void> {
    const { status, body } = await new Shopper(this.url, undefined, this.fetch).post<{ accessToken: string }>(
      '/auth/sessions',
      this.credentials,
    );
    if (status !== 201) throw new Error(`sign-in answered ${status}: ${JSON.stringify(body)}`);
    this.token = body.accessToken;
  }

  /** A new account, signed in. */
  static async register(url: string, fetch?: Fetch): Promise<Shopper> {
    const credentials = { email: `buyer-${randomUUID()}@example.test`, password: `pw-${randomUUID()}` };
    const { status, body } = await new Shopper(url, undefined, fetch).post('/auth/accounts', credentials);
    if (status !== 201) throw new Error(`registration answered ${status}: ${JSON.stringify(body)}`);
    return Shopper.signIn(url, credentials, fetch);
  }

  with(token: string): Shopper {
    return new Shopper(this.url, token, this.fetch);
  }

  /** The same account by another gateway. */
  at(url: string): Shopper {
    return new Shopper(url, this.token, this.fetch);
  }

  get = <T = Record<string, unknown>>(path: string, headers: Record<string, string> = {}) => this.send<T>('GET', path, undefined, headers);
  put = <T = Record<string, unknown>>(path: string, body: unknown) => this.send<T>('PUT', path, body);
  delete = <T = Record<string, unknown>>(path: string) => this.send<T>('DELETE', path);
  post = <T = Record<string, unknown>>(path: string, body: unknown, headers: Record<string, string> = {}) =>
    this.send<T>('POST', path, body, headers);

  /** One request; a string body is sent as it is. */
  async send<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await this.fetch(this.url + path, {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    return { status: response.status, body: parseAnswer(text) as T, headers: response.headers };
  }

  /** Puts the items into the cart and checks out; returns the answer of the checkout. */
  async checkout(
    items: Record<string, number>,
    paymentToken = 'tok_ok',
    key: string = randomUUID(),
    headers: Record<string, string> = {},
  ): Promise<Answer<{ orderId: string }>> {
    for (const [sku, quantity] of Object.entries(items)) {
      const { status, body } = await this.put(`/cart/items/${sku}`, { quantity });
      if (status !== 200) throw new Error(`PUT /cart/items/${sku} answered ${status}: ${JSON.stringify(body)}`);
    }
    return this.post<{ orderId: string }>('/cart/checkout', { paymentToken }, { 'idempotency-key': key, ...headers });
  }

  /** Waits until the catalogue of the cart has the product: it learns of it by an event. */
  knows(sku: string): Promise<void> {
    return eventually(async () => {
      const { status } = await this.put(`/cart/items/${sku}`, { quantity: 1 });
      if (status !== 200) throw new Error(`${sku} is not in the cart's catalogue yet: ${status}`);
    });
  }

  /** Waits until the cart can be changed again: it learns of the order's end by an event. */
  cartOpens(): Promise<void> {
    return eventually(async () => {
      const { status, body } = await this.delete('/cart/items/none');
      if (status === 409) throw new Error(JSON.stringify(body));
    });
  }

  /** Waits until the order is CONFIRMED or REJECTED. */
  final(orderId: string, timeout = 60_000): Promise<OrderView> {
    return eventually(
      async () => {
        const { status, body } = await this.get<OrderView>(`/orders/${orderId}`);
        if (status !== 200 || body.status === 'PENDING') throw new Error(`order ${orderId}: ${status} ${JSON.stringify(body)}`);
        return body;
      },
      { timeout, interval: 100 },
    );
  }

  /** Buys and waits for the end. */
  async buy(items: Record<string, number>, paymentToken = 'tok_ok'): Promise<OrderView> {
    const { status, body } = await this.checkout(items, paymentToken);
    if (status !== 202) throw new Error(`checkout answered ${status}: ${JSON.stringify(body)}`);
    return this.final(body.orderId);
  }
}
