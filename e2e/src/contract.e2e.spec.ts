import { randomUUID } from 'node:crypto';
import { eventually } from '@ballast/testing';
import type { PaymentView } from './books.js';
import { platform } from './platform.js';
import { Shopper, type Answer } from './shop.js';

const { gateway, credentials, services } = platform();
const anonymous = Shopper.anonymous(gateway);
const price = { amount: 1000, currency: 'EUR' };

/** An error is problem+json with a stable code and the trace it happened in. */
function expectProblem(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.body['code']]).toEqual([status, code]);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(answer.body).toMatchObject({
    status,
    title: expect.any(String),
    detail: expect.any(String),
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  expect(answer.headers.get('traceparent')).toContain(answer.body['traceId']);
}

let merchant: Shopper;
let buyer: Shopper;
beforeAll(async () => {
  merchant = await Shopper.signIn(gateway, credentials.merchant);
  buyer = await Shopper.register(gateway);
});

describe('/auth', () => {
  const email = `user-${randomUUID()}@example.test`;
  const password = `pw-${randomUUID()}`;
  type Tokens = { accessToken: string; tokenType: string; expiresIn: number; refreshToken: string };

  it('POST /auth/accounts: 201, then 409 for a taken address, 400 for nonsense', async () => {
    const created = await anonymous.post('/auth/accounts', { email, password });
    expect(created).toMatchObject({ status: 201, body: { accountId: expect.any(String), email } });
    expectProblem(await anonymous.post('/auth/accounts', { email: email.toUpperCase(), password }), 409, 'AUTH_EMAIL_TAKEN');
    expectProblem(await anonymous.post('/auth/accounts', { email: 'nobody', password: 'x' }), 400, 'VALIDATION_FAILED');
  });

  it('POST /auth/sessions: 201 with tokens that live 10 minutes, else 401, the same for a wrong password and an unknown account', async () => {
    const { status, body } = await anonymous.post<Tokens>('/auth/sessions', { email, password });
    expect([status, body]).toEqual([
      201,
      { accessToken: expect.any(String), tokenType: 'Bearer', expiresIn: 600, refreshToken: expect.any(String) },
    ]);
    const wrong = await anonymous.post('/auth/sessions', { email, password: `${password}!` });
    const unknown = await anonymous.post('/auth/sessions', { email: `x${email}`, password });
    expectProblem(wrong, 401, 'AUTH_INVALID_CREDENTIALS');
    expectProblem(unknown, 401, 'AUTH_INVALID_CREDENTIALS');
    expect(unknown.body['detail']).toBe(wrong.body['detail']);
  });

  it('GET /auth/accounts/me: who I am; 401 without a token', async () => {
    const { body } = await anonymous.post<Tokens>('/auth/sessions', { email, password });
    await expect(anonymous.with(body.accessToken).get('/auth/accounts/me')).resolves.toMatchObject({
      status: 200,
      body: { email, roles: [] },
    });
    expectProblem(await anonymous.get('/auth/accounts/me'), 401, 'UNAUTHENTICATED');
    expectProblem(await anonymous.with('not.a.token').get('/auth/accounts/me'), 401, 'UNAUTHENTICATED');
  });

  it('POST /auth/sessions/refresh: a repeated token gives the same successor until that is used; then the family ends', async () => {
    const refresh = (refreshToken: string) => anonymous.post<Tokens>('/auth/sessions/refresh', { refreshToken });
    const first = (await anonymous.post<Tokens>('/auth/sessions', { email, password })).body;
    const second = await refresh(first.refreshToken);
    expect(second.status).toBe(200);
    expect((await refresh(first.refreshToken)).body.refreshToken).toBe(second.body.refreshToken);
    const third = await refresh(second.body.refreshToken);
    expect(third.status).toBe(200);
    expect((await refresh(first.refreshToken)).status).toBe(401);
    expect((await refresh(third.body.refreshToken)).status).toBe(401);
  });

  it('DELETE /auth/sessions/current: 204, and the refresh family is over', async () => {
    const tokens = (await anonymous.post<Tokens>('/auth/sessions', { email, password })).body;
    expect((await anonymous.with(tokens.accessToken).delete('/auth/sessions/current')).status).toBe(204);
    expect((await anonymous.post('/auth/sessions/refresh', { refreshToken: tokens.refreshToken })).status).toBe(401);
  });

  it('GET /auth/.well-known/jwks.json: the public keys, and no private part', async () => {
    const { status, body } = await anonymous.get<{ keys: Record<string, string>[] }>('/auth/.well-known/jwks.json');
    expect(status).toBe(200);
    expect(body.keys[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', kid: expect.any(String) });
    expect(body.keys.every((key) => !('d' in key))).toBe(true);
  });
});

describe('/products', () => {
  it('GET /products: pages through all of them', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { status, body }: Answer<{ items: { sku: string }[]; nextCursor: string | null }> = await anonymous.get(
        `/products?limit=5${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      );
      expect(status).toBe(200);
      expect(body.items.length).toBeLessThanOrEqual(5);
      seen.push(...body.items.map((p) => p.sku));
      cursor = body.nextCursor;
    } while (cursor);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(['sku-001', 'sku-012']));
  });

  it('GET /products/:sku: 200 or 404; a bad limit or cursor is 400', async () => {
    const { body } = await anonymous.get('/products/sku-001');
    expect(body).toEqual({
      sku: 'sku-001',
      name: expect.any(String),
      price: { amount: expect.any(Number), currency: expect.any(String) },
      available: expect.any(Number),
    });
    expectProblem(await anonymous.get('/products/no-such-thing'), 404, 'PRODUCT_NOT_FOUND');
    expectProblem(await anonymous.get('/products?limit=0'), 400, 'VALIDATION_FAILED');
  });

  it('PUT /products/:sku: for merchants; stock below what is reserved is 409', async () => {
    const sku = `sku-${randomUUID().slice(0, 8)}`;
    const product = { name: 'Thing', price, stock: 10 };
    expectProblem(await anonymous.put(`/products/${sku}`, product), 401, 'UNAUTHENTICATED');
    expectProblem(await buyer.put(`/products/${sku}`, product), 403, 'FORBIDDEN');
    expectProblem(await merchant.put(`/products/${sku}`, { ...product, stock: -1 }), 400, 'VALIDATION_FAILED');
    expect((await merchant.put(`/products/${sku}`, product)).status).toBe(200);

    const holder = await Shopper.register(gateway);
    await holder.knows(sku);
    const { body } = await holder.checkout({ [sku]: 4 }, 'tok_slow');
    await eventually(async () => expect((await merchant.get(`/products/${sku}`)).body).toMatchObject({ available: 6 }));
    expectProblem(await merchant.put(`/products/${sku}`, { ...product, stock: 3 }), 409, 'PRODUCT_STOCK_BELOW_RESERVED');
    await holder.final(body.orderId);
  });
});

describe('/cart', () => {
  let shopper: Shopper;
  beforeEach(async () => void (shopper = await Shopper.register(gateway)));

  it('GET /cart: an account that never bought anything has an empty one, always the same', async () => {
    const { status, body } = await shopper.get('/cart');
    expect([status, body]).toEqual([
      200,
      { cartId: expect.any(String), items: [], subtotal: expect.anything(), version: expect.any(Number) },
    ]);
    expect((await shopper.get('/cart')).body).toEqual(body);
    expectProblem(await anonymous.get('/cart'), 401, 'UNAUTHENTICATED');
  });

  it('PUT and DELETE /cart/items/:sku: the cart, its subtotal and a growing version', async () => {
    const first = await shopper.put<{ version: number }>('/cart/items/sku-007', { quantity: 2 });
    expect(first).toMatchObject({ status: 200, body: { items: [{ sku: 'sku-007', quantity: 2 }] } });
    const second = await shopper.put<{ version: number; items: unknown[]; subtotal: { amount: number } }>('/cart/items/sku-008', {
      quantity: 1,
    });
    expect(second.body.items).toHaveLength(2);
    expect(second.body.version).toBeGreaterThan(first.body.version);
    expect((await shopper.put('/cart/items/sku-007', { quantity: 0 })).body['items']).toMatchObject([{ sku: 'sku-008' }]);
    expect((await shopper.delete('/cart/items/sku-008')).body['items']).toEqual([]);
  });

  it('PUT /cart/items/:sku: 404 for an unknown SKU, 409 for another currency, 400 for a quantity that is none', async () => {
    expectProblem(await shopper.put('/cart/items/no-such-thing', { quantity: 1 }), 404, 'CART_UNKNOWN_SKU');
    const sku = `sku-${randomUUID().slice(0, 8)}`;
    await merchant.put(`/products/${sku}`, { name: 'Elsewhere', price: { amount: 900, currency: 'JPY' }, stock: 5 });
    await shopper.knows(sku);
    expectProblem(await shopper.put('/cart/items/sku-007', { quantity: 1 }), 409, 'CART_CURRENCY_MISMATCH');
    for (const quantity of [-1, 1.5, 1000, '3', 1e9, null])
      expectProblem(await shopper.put('/cart/items/sku-007', { quantity }), 400, 'VALIDATION_FAILED');
  });

  it('POST /cart/checkout: 400 without a key, 409 when empty, 202 with a Location, and the same answer again', async () => {
    expectProblem(await shopper.post('/cart/checkout', { paymentToken: 'tok_ok' }), 400, 'IDEMPOTENCY_KEY_REQUIRED');
    const key = randomUUID();
    expectProblem(await shopper.checkout({}, 'tok_ok', key), 409, 'CART_EMPTY');
    const first = await shopper.checkout({ 'sku-007': 1 }, 'tok_ok', key); // the 409 left the key free
    expect(first).toMatchObject({ status: 202, body: { orderId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/) } });
    expect(first.headers.get('location')).toBe(`/orders/${first.body.orderId}`);
    const again = await shopper.checkout({}, 'tok_ok', key);
    expect([again.status, again.body, again.headers.get('location')]).toEqual([202, first.body, first.headers.get('location')]);
    expectProblem(await shopper.checkout({}, 'tok_declined', key), 422, 'IDEMPOTENCY_KEY_REUSED');
    expect((await shopper.final(first.body.orderId)).status).toBe('CONFIRMED');
    expect((await shopper.get<{ items: unknown[] }>('/orders')).body.items).toHaveLength(1);
  });

  it('takes no change while it is checking out: 409 with the order', async () => {
    const { body } = await shopper.checkout({ 'sku-007': 1 }, 'tok_slow');
    for (const answer of [
      await shopper.put('/cart/items/sku-007', { quantity: 2 }),
      await shopper.delete('/cart/items/sku-007'),
      await shopper.checkout({}, 'tok_ok'),
    ]) {
      expectProblem(answer as Answer, 409, 'CART_CHECKING_OUT');
      expect(answer.body).toMatchObject({ orderId: body.orderId });
    }
    await shopper.final(body.orderId);
  });

  it('twenty parallel requests with one key are one order', async () => {
    await shopper.put('/cart/items/sku-009', { quantity: 1 });
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => shopper.checkout({}, 'tok_ok', key)));
    expect(answers.map((a) => a.status).filter((status) => status !== 202 && status !== 409)).toEqual([]);
    const orders = new Set(answers.filter((a) => a.status === 202).map((a) => a.body.orderId));
    expect(orders.size).toBe(1);
    for (const a of answers.filter((a) => a.status === 409)) expectProblem(a as Answer, 409, 'IDEMPOTENCY_KEY_IN_USE');
    await shopper.final([...orders][0]!);
  });
});

describe('/orders', () => {
  it('GET /orders and /orders/:id: the buyer sees what became of it, newest first; nobody else does', async () => {
    const shopper = await Shopper.register(gateway);
    const older = await shopper.buy({ 'sku-010': 1 });
    const newer = await shopper.buy({ 'sku-011': 2 });
    expect(newer).toMatchObject({ status: 'CONFIRMED', items: [{ sku: 'sku-011', quantity: 2 }], total: { currency: 'EUR' } });
    expect(newer.history.every((h) => h.step && h.outcome && !Number.isNaN(Date.parse(h.at)))).toBe(true);

    const page = await shopper.get<{ items: { orderId: string }[]; nextCursor: string }>('/orders?limit=1');
    expect(page.body.items.map((o) => o.orderId)).toEqual([newer.orderId]);
    const rest = await shopper.get<{ items: { orderId: string }[]; nextCursor: null }>(`/orders?limit=1&cursor=${page.body.nextCursor}`);
    expect(rest.body.items.map((o) => o.orderId)).toEqual([older.orderId]);

    const foreign = await buyer.get(`/orders/${newer.orderId}`);
    expectProblem(foreign, 404, 'ORDER_NOT_FOUND');
    expect(foreign.headers.get('retry-after')).toBe('1'); // young, hence it could be one that is still on its way
  });

  it('an id that is not known and not young is 404 for good; one that is no id is 400', async () => {
    const unknown = await buyer.get('/orders/0190a1b2-0000-7000-8000-000000000000');
    expectProblem(unknown, 404, 'ORDER_NOT_FOUND');
    expect(unknown.headers.get('retry-after')).toBeNull();
    expectProblem(await buyer.get('/orders/17'), 400, 'VALIDATION_FAILED');
  });
});

describe('/payments', () => {
  let shopper: Shopper;
  let payment: PaymentView;
  let orderId: string;
  beforeAll(async () => {
    shopper = await Shopper.register(gateway);
    orderId = (await shopper.buy({ 'sku-012': 1 })).orderId;
    payment = (await shopper.get<{ items: PaymentView[] }>(`/payments?orderId=${orderId}`)).body.items[0]!;
  });
  const refund = (who: Shopper, amount: unknown, key: string = randomUUID()) =>
    who.post(`/payments/${payment.paymentId}/refunds`, { amount: { amount, currency: 'EUR' } }, { 'idempotency-key': key });

  it('GET /payments?orderId= and /payments/:id: own ones, for a merchant any, else 404', async () => {
    const own = await shopper.get(`/payments/${payment.paymentId}`);
    expect(own).toMatchObject({
      status: 200,
      body: {
        paymentId: payment.paymentId,
        orderId,
        status: 'CAPTURED',
        captured: { amount: 590, currency: 'EUR' },
        refunded: { amount: 0, currency: 'EUR' },
      },
    });
    expect((await merchant.get(`/payments/${payment.paymentId}`)).status).toBe(200);
    expectProblem(await buyer.get(`/payments/${payment.paymentId}`), 404, 'PAYMENT_NOT_FOUND');
    expect((await buyer.get<{ items: unknown[] }>(`/payments?orderId=${orderId}`)).body.items).toEqual([]);
    expectProblem(await shopper.get('/payments?orderId=17'), 400, 'VALIDATION_FAILED');
  });

  it('POST /payments/:id/refunds: for merchants, with a key, once per key, never past the capture', async () => {
    expectProblem(await refund(shopper, 1), 403, 'FORBIDDEN');
    expectProblem(
      await merchant.post(`/payments/${payment.paymentId}/refunds`, { amount: { amount: 1, currency: 'EUR' } }),
      400,
      'IDEMPOTENCY_KEY_REQUIRED',
    );
    for (const amount of [0, -1, 1.5, '1']) expectProblem(await refund(merchant, amount), 400, 'VALIDATION_FAILED');
    const key = randomUUID();
    const first = await refund(merchant, 100, key);
    expect(first).toMatchObject({ status: 201, body: { refundId: expect.any(String), status: expect.any(String) } });
    expect((await refund(merchant, 100, key)).body['refundId']).toBe(first.body['refundId']);
    expectProblem(await refund(merchant, 101, key), 422, 'IDEMPOTENCY_KEY_REUSED');
    expectProblem(await refund(merchant, payment.captured.amount), 409, 'PAYMENT_REFUND_EXCEEDS_CAPTURE');
    await expect(merchant.get(`/payments/${payment.paymentId}`)).resolves.toMatchObject({
      body: { refunded: { amount: 100, currency: 'EUR' } },
    });
  });

  it('GET /payments/ledger: for merchants; it balances', async () => {
    expectProblem(await shopper.get('/payments/ledger'), 403, 'FORBIDDEN');
    const { body } = await merchant.get<{ balanced: boolean; accounts: object[] }>('/payments/ledger');
    expect(body.balanced).toBe(true);
    expect(body.accounts[0]).toEqual({
      account: expect.any(String),
      currency: 'EUR',
      debit: expect.any(Number),
      credit: expect.any(Number),
    });
  });
});

describe('every route', () => {
  it.each([
    ['a body that is not JSON', 400, 'INVALID_JSON', '{"quantity":', {}],
    ['a body over 100 KB', 413, 'PAYLOAD_TOO_LARGE', JSON.stringify({ quantity: 1, pad: 'x'.repeat(110_000) }), {}],
    ['another content type', 415, 'UNSUPPORTED_MEDIA_TYPE', 'quantity=1', { 'content-type': 'application/x-www-form-urlencoded' }],
  ])('answers %s with %i', async (_, status, code, body, headers) => {
    expectProblem(await buyer.send('PUT', '/cart/items/sku-001', body, headers), status as number, code as string);
  });

  it('answers what is not there with 404', async () => {
    expectProblem(await buyer.get('/cart/nowhere'), 404, 'ROUTE_NOT_FOUND');
    expectProblem(await buyer.get('/nowhere'), 404, 'ROUTE_NOT_FOUND');
  });

  it('carries a traceparent, an error or not', async () => {
    expect((await anonymous.get('/products')).headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  });
});

describe.each(Object.keys(services))('%s, on its own port', (name) => {
  const own = Shopper.anonymous(services[name]!.url);

  it('is alive and ready, and shows its metrics', async () => {
    expect((await own.get('/health/live')).status).toBe(200);
    expect((await own.get('/health/ready')).status).toBe(200);
    const response = await fetch(`${services[name]!.url}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(await response.text()).toContain('ballast_http_request_duration_seconds');
  });

  it('describes its API', async () => {
    const { status, body } = await own.get('/docs/json');
    expect([status, body['openapi']]).toEqual([200, expect.stringMatching(/^3\./)]);
  });
});
