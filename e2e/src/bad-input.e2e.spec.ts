import { randomUUID } from 'node:crypto';
import type { PaymentView } from './books.js';
import { platform } from './platform.js';
import { expectProblem, problemFaults } from './problem.js';
import { rawRequest } from './raw.js';
import { Shopper, type Answer } from './shop.js';
import { Forger } from './tokens.js';

const { gateway, credentials } = platform();
const anonymous = Shopper.anonymous(gateway);
const SKU = `bad-${randomUUID().slice(0, 8)}`;
const product = { name: 'Unmoved', price: { amount: 1000, currency: 'EUR' }, stock: 10 };

let merchant: Shopper;
let buyer: Shopper;
let payment: PaymentView;
let foreign: { orderId: string };
beforeAll(async () => {
  merchant = await Shopper.signIn(gateway, credentials.merchant);
  buyer = await Shopper.register(gateway);
  await merchant.put(`/products/${SKU}`, product);
  await buyer.knows(SKU);
  const other = await Shopper.register(gateway);
  foreign = await other.buy({ [SKU]: 1 });
  payment = (await other.get<{ items: PaymentView[] }>(`/payments?orderId=${foreign.orderId}`)).body.items[0]!;
});

/** All that a request below could have changed. */
const world = async () => ({
  cart: (await buyer.get('/cart')).body,
  orders: (await buyer.get('/orders')).body,
  product: (await merchant.get(`/products/${SKU}`)).body,
  payment: (await merchant.get(`/payments/${payment.paymentId}`)).body,
});
let before: Awaited<ReturnType<typeof world>>;
const remember = async () => void (before = await world());
const nothingWritten = async () => expect(await world()).toEqual(before);

/** Every route that writes: who may, a body that is right but for what a test does to it, and its text fields' nonsense. */
interface Route {
  method: string;
  path: () => string;
  who: () => Shopper;
  body: Record<string, unknown>;
  keyed?: boolean;
}
const routes: Record<string, Route> = {
  'PUT /cart/items/:sku': { method: 'PUT', path: () => `/cart/items/${SKU}`, who: () => buyer, body: { quantity: 7 } },
  'POST /cart/checkout': { method: 'POST', path: () => '/cart/checkout', who: () => buyer, body: { paymentToken: 'tok_ok' }, keyed: true },
  'PUT /products/:sku': { method: 'PUT', path: () => `/products/${SKU}`, who: () => merchant, body: { ...product, stock: 77 } },
  'POST /payments/:id/refunds': {
    method: 'POST',
    path: () => `/payments/${payment.paymentId}/refunds`,
    who: () => merchant,
    body: { amount: { amount: 1, currency: 'EUR' } },
    keyed: true,
  },
  'POST /auth/accounts': {
    method: 'POST',
    path: () => '/auth/accounts',
    who: () => anonymous,
    body: { email: `never-${randomUUID()}@example.test`, password: 'correct horse battery' },
  },
  'POST /auth/sessions': { method: 'POST', path: () => '/auth/sessions', who: () => anonymous, body: { email: 'a@b.test', password: 'x' } },
  'POST /auth/sessions/refresh': {
    method: 'POST',
    path: () => '/auth/sessions/refresh',
    who: () => anonymous,
    body: { refreshToken: 'x' },
  },
};
const send = ({ method, path, who, keyed }: Route, body: unknown, headers: Record<string, string> = {}) =>
  who().send(method, path(), body, { ...(keyed && { 'idempotency-key': randomUUID() }), ...headers });

const invalid = ['400 VALIDATION_FAILED', '400 INVALID_JSON'];
const wholeBodies: Record<string, string> = {
  nothing: '',
  'half of an object': '{"quantity":',
  'two documents': '{}{}',
  'a trailing comma': '{"quantity":1,}',
  'single quotes': "{'quantity':1}",
  'a comment': '{/* */"quantity":1}',
  NaN: 'NaN',
  null: 'null',
  'a list': '[]',
  'a text': '"quantity"',
  'a number': '1',
  'an empty object': '{}',
  'forty thousand brackets': '['.repeat(40_000) + ']'.repeat(40_000),
  'forty levels': '{"a":'.repeat(40) + '1' + '}'.repeat(40),
};
/** JSON text, so that numbers stay what they are; none is right for any field. */
const values: Record<string, string> = {
  null: 'null',
  true: 'true',
  'a list': '[]',
  'an object': '{}',
  'a list of itself': '[1]',
  '−1': '-1',
  '1.5': '1.5',
  '1e400': '1e400',
  '2⁵³ + 1': '9007199254740993e3',
  'the text ""': '""',
  NUL: '"tok\\u0000"',
  'half a surrogate pair': '"tok\\ud800"',
  '600 characters': `"${'x'.repeat(600)}"`,
};
/** Paths of the scalar fields of a body, as `price.amount`. */
const fieldsOf = (body: object, at = ''): string[] =>
  Object.entries(body).flatMap(([name, value]) =>
    typeof value === 'object' ? fieldsOf(value as object, `${at}${name}.`) : [`${at}${name}`],
  );
/** The body as JSON text with one field's value replaced by this text; with `undefined` the field is left out. */
function textWith(body: unknown, field: string, text: string | undefined): string {
  const marker = '@@here@@';
  const copy = structuredClone(body) as Record<string, unknown>;
  const names = field.split('.');
  const parent = names.slice(0, -1).reduce((object, name) => object[name] as Record<string, unknown>, copy);
  parent[names.at(-1)!] = text === undefined ? undefined : marker;
  return JSON.stringify(copy).replace(`"${marker}"`, () => text ?? '');
}

describe.each(Object.entries(routes))('%s', (name, route) => {
  beforeAll(remember);
  afterAll(nothingWritten);

  it('refuses a body that is none', async () => {
    for (const [what, text] of Object.entries(wholeBodies)) {
      const answer = await send(route, text);
      expect([what, invalid.includes(`${answer.status} ${String(answer.body['code'])}`), problemFaults(answer)]).toEqual([what, true, []]);
    }
  });

  it.each(fieldsOf(route.body))('refuses a wrong %s, and its absence', async (field) => {
    const missing = await send(route, textWith(route.body, field, undefined));
    expectProblem(missing, '400 VALIDATION_FAILED');
    for (const [what, text] of Object.entries(values)) {
      const answer = await send(route, textWith(route.body, field, text));
      expect([what, answer.status, problemFaults(answer)]).toEqual([what, 400, []]);
      expectProblem(answer, ...invalid);
    }
  });

  it('refuses a body that reaches for a prototype', async () => {
    const inner = JSON.stringify(route.body).slice(1);
    for (const text of [
      `{"__proto__":{"admin":true},${inner}`,
      `{"constructor":{"prototype":{"admin":true}},${inner}`,
      `{"x":{"__proto__":null},${inner}`,
      `{"\\u005f_proto__":{"quantity":1},${inner}`,
    ])
      expectProblem(await send(route, text), '400 INVALID_JSON');
  });

  it('refuses a text that is not UTF-8', async () => {
    const { method, path, keyed } = route;
    const body = Buffer.concat([
      Buffer.from(JSON.stringify(route.body).slice(0, -1) + ',"x":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('"}'),
    ]);
    const head = [`${method} ${path()} HTTP/1.1`, 'content-type: application/json', `content-length: ${body.length}`];
    if (keyed) head.push(`idempotency-key: ${randomUUID()}`);
    expectProblem(await rawRequest(gateway, [...head, ...authorisation(name)], body), '400 BAD_REQUEST', '400 INVALID_JSON');
  });

  it('refuses 2 MB', async () => {
    for (const text of [JSON.stringify({ ...route.body, pad: 'x'.repeat(2_000_000) }), 'x'.repeat(2_000_000)])
      expectProblem(await send(route, text), '413 PAYLOAD_TOO_LARGE');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/jsonx',
    'nonsense',
  ])('refuses %s', async (type) =>
    expectProblem(await send(route, JSON.stringify(route.body), { 'content-type': type }), '415 UNSUPPORTED_MEDIA_TYPE'),
  );

  it('of a name that comes twice the last value counts, checked like any other', async () => {
    const [field] = fieldsOf(route.body);
    const top = field!.split('.')[0]!;
    expectProblem(await send(route, `${JSON.stringify(route.body).slice(0, -1)},"${top}":null}`), '400 VALIDATION_FAILED');
  });
});

const tokens = new Map<string, string>();
/** The caller's token, for requests that are written byte by byte. */
function authorisation(name: string): string[] {
  const token = tokens.get(name.includes('/cart') ? 'buyer' : 'merchant');
  return name.includes('/auth') ? [] : [`authorization: Bearer ${token}`];
}
beforeAll(async () => {
  const signIn = async (who: { email: string; password: string }) =>
    String((await anonymous.post('/auth/sessions', who)).body['accessToken']);
  const throwaway = { email: `raw-${randomUUID()}@example.test`, password: randomUUID() };
  await anonymous.post('/auth/accounts', throwaway);
  tokens.set('buyer', await signIn(throwaway));
  tokens.set('merchant', await signIn(credentials.merchant));
});

describe('a quantity', () => {
  beforeAll(remember);
  afterAll(nothingWritten);

  it.each(['-1', '1.5', '1000', '"3"', '1e9', 'null', '1e400', '0.1e-1', '"1; DROP TABLE cart"'])('is none: %s', async (quantity) => {
    expectProblem(await buyer.send('PUT', `/cart/items/${SKU}`, `{"quantity":${quantity}}`), '400 VALIDATION_FAILED');
  });
});

describe('an unknown SKU', () => {
  beforeAll(remember);
  afterAll(nothingWritten);

  it.each(['no-such-thing', 'sku-001%20', "'%20OR%201=1", '%F0%9F%92%A9', '__proto__', 'constructor', 'x'.repeat(99)])(
    '%s',
    async (sku) => {
      for (const quantity of [0, 1]) expectProblem(await buyer.put(`/cart/items/${sku}`, { quantity }), '404 CART_UNKNOWN_SKU');
      expectProblem(await buyer.delete(`/cart/items/${sku}`), '404 CART_UNKNOWN_SKU');
      expectProblem(await buyer.get(`/products/${sku}`), '404 PRODUCT_NOT_FOUND');
    },
  );

  it('that is too long for a path', async () => {
    expectProblem(await buyer.put(`/cart/items/${'x'.repeat(3_000)}`, { quantity: 1 }), '414 URI_TOO_LONG');
  });
});

describe('an Idempotency-Key', () => {
  beforeAll(remember);
  afterAll(nothingWritten);
  const keyed = Object.entries(routes).filter(([, route]) => route.keyed);

  describe.each(keyed)('of %s', (name, { method, path, who, body }) => {
    const withKey = (key?: string) => who().send(method, path(), body, key === undefined ? {} : { 'idempotency-key': key });

    it('is required', async () => {
      for (const key of [undefined, '']) expectProblem(await withKey(key), '400 IDEMPOTENCY_KEY_REQUIRED');
    });

    it.each(['x'.repeat(256), 'x'.repeat(8_000), 'two words', 'tab\there', 'schlüssel', '\u00a0'])('may not be %j', async (key) => {
      expectProblem(await withKey(key), '400 IDEMPOTENCY_KEY_INVALID');
    });

    it('may not come twice', async () => {
      const text = JSON.stringify(body);
      const head = [
        `${method} ${path()} HTTP/1.1`,
        'content-type: application/json',
        `content-length: ${text.length}`,
        ...authorisation(name),
      ];
      const answer = await rawRequest(gateway, [...head, 'idempotency-key: one', 'Idempotency-Key: two'], text);
      expectProblem(answer, '400 IDEMPOTENCY_KEY_INVALID');
    });
  });
});

describe('a method that a route does not take', () => {
  beforeAll(remember);
  afterAll(nothingWritten);

  it.each([
    ['POST', '/cart'],
    ['PATCH', '/cart'],
    ['DELETE', '/cart'],
    ['PUT', '/cart/checkout'],
    ['DELETE', '/orders'],
    ['POST', '/orders'],
    ['DELETE', `/products/${SKU}`],
    ['POST', '/payments/ledger'],
    ['GET', '/auth/sessions'],
    ['OPTIONS', '/cart'],
  ])('%s %s', async (method, path) => {
    const answer = await merchant.send(method, path, method === 'GET' ? undefined : { quantity: 1 });
    expectProblem(answer, '405 METHOD_NOT_ALLOWED');
    expect(answer.headers.get('allow')?.split(', ')).not.toContain(method);
  });

  it.each(['TRACE', 'PROPFIND', 'NONSENSE', 'get'])('%s, which no route takes', async (method) => {
    const answer = await rawRequest(gateway, [`${method} /cart HTTP/1.1`]);
    expectProblem(answer, '400 BAD_REQUEST', '404 ROUTE_NOT_FOUND', '405 METHOD_NOT_ALLOWED');
  });
});

describe('an odd path', () => {
  it.each([
    '//cart',
    '/cart//items',
    '/cart/items/',
    '/cart/',
    '/CART',
    '/cart/items/%00',
    '/cart/items/a%00b',
    '/cart/items/..%2f..%2fmetrics',
    '/cart/..%2fmetrics',
    '/cart/%2e%2e/metrics',
    '/cart/../metrics',
    '/cart/items/%',
    '/cart/items/%zz',
    '/cart/items/%ff',
    '/cart/items/%c0%af',
    '/orders/%00',
    '/orders/..;/health/live',
    '/orders/1%27%20OR%201=1',
    '/orders?cursor=%00',
    '/orders?cursor=%ff%fe',
    '/orders?cursor=!!!!',
    '/orders?cursor=',
    '/orders?limit=1&limit=2',
    '/orders?limit=1e3',
    '/orders?limit=-1',
    '/orders?limit=NaN',
    '/payments',
    '/payments?orderId=1&orderId=2',
    '/payments/__proto__',
    '/metrics',
    '/health/ready',
    '/docs/json',
    '/',
    '*',
    `/${'x'.repeat(9_000)}`,
    `/orders/${'x'.repeat(20_000)}`,
  ])('%.40s', async (path) => {
    const answer = await rawRequest(gateway, [`GET ${path} HTTP/1.1`, ...authorisation('merchant')]);
    expect(problemFaults(answer)).toEqual([]);
  });
});

describe('odd headers', () => {
  it.each([
    ['more than 16 KB of them', [`x-pad: ${'x'.repeat(20_000)}`], '431 HEADERS_TOO_LARGE'],
    ['a length and chunks at once', ['content-length: 3', 'transfer-encoding: chunked'], '400 BAD_REQUEST'],
    ['two lengths', ['content-length: 3', 'content-length: 4'], '400 BAD_REQUEST'],
    ['a length that is none', ['content-length: many'], '400 BAD_REQUEST'],
    ['a name with a space', ['bad name: 1'], '400 BAD_REQUEST'],
    ['a control character', ['x-bad: a\u0001b'], '400 BAD_REQUEST'],
  ])('%s', async (_, headers, expected) => {
    expectProblem(await rawRequest(gateway, ['PUT /cart/items/x HTTP/1.1', 'content-type: application/json', ...headers], 'abc'), expected);
  });

  it('a traceparent that is none is not taken over', async () => {
    for (const traceparent of ['nonsense', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`, 'x'.repeat(2_000)]) {
      const { status, headers } = await anonymous.get('/products/sku-001', { traceparent });
      expect([status, headers.get('traceparent')]).toEqual([200, expect.stringMatching(/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)]);
    }
  });
});

describe('an access token', () => {
  let forger: Forger;
  let refreshToken: string;
  beforeAll(async () => {
    const session = (await anonymous.post('/auth/sessions', credentials.merchant)).body;
    forger = await Forger.of(String(session['accessToken']));
    refreshToken = String(session['refreshToken']);
    await remember();
  });
  afterAll(nothingWritten);
  const seconds = (from: number) => Math.floor(Date.now() / 1000) + from;

  it('that is made again from its parts is good: what is refused below is refused for what was changed', async () => {
    expect((await anonymous.with(forger.token()).get('/payments/ledger')).status).toBe(200);
  });

  it.each<[string, () => string]>([
    ['that has run out', () => forger.token({ iat: seconds(-700), exp: seconds(-100) })],
    ['without an end', () => forger.token({ exp: undefined })],
    ['that begins later', () => forger.token({ nbf: seconds(300) })],
    ['of another issuer', () => forger.token({ iss: 'https://elsewhere.test' })],
    ['without an issuer', () => forger.token({ iss: undefined })],
    ['for another audience', () => forger.token({ aud: 'another-shop' })],
    ['without an audience', () => forger.token({ aud: undefined })],
    ['without a subject', () => forger.token({ sub: undefined })],
    ['whose subject is no account id', () => forger.token({ sub: "' OR 1=1" })],
    ['whose roles are no list', () => forger.token({ roles: 'merchant' })],
    ['of another type', () => forger.token({}, { typ: 'JWT' })],
    ['of an unknown key', () => forger.token({}, { kid: randomUUID() })],
    ['without a key id', () => forger.token({}, { kid: undefined })],
    ['with a critical extension', () => forger.token({}, { crit: ['x'], x: 1 })],
    ['signed by another key', () => forger.withOtherKey()],
    ['that brings its own key', () => forger.withOtherKey({ jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' } })],
    ['that says where its key is', () => forger.withOtherKey({ jku: 'http://127.0.0.1:1/jwks.json', x5u: 'http://127.0.0.1:1/x' })],
    ['with alg none', () => forger.unsigned('none')],
    ['with alg None', () => forger.unsigned('None')],
    ['without a signature', () => forger.unsigned('EdDSA')],
    ['HS256 with our public key, as PEM', () => forger.withPublicKeyAsSecret('pem')],
    ['HS256 with our public key, as bytes', () => forger.withPublicKeyAsSecret('raw')],
    ['with more roles than were signed', () => swapClaims(forger.token(), { roles: ['merchant', 'admin'] })],
    ['that is a refresh token', () => refreshToken],
    ['of 5,000 characters', () => forger.token({ pad: 'x'.repeat(5_000) })],
    ['that is nothing', () => ''],
    ['that is three dots', () => '...'],
  ])('%s is refused, by every service', async (_, forge) => {
    const forged = anonymous.with(forge());
    for (const path of ['/auth/accounts/me', '/cart', '/orders', '/payments/ledger']) {
      const answer = await forged.get(path);
      expectProblem(answer, '401 UNAUTHENTICATED');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
    }
    expectProblem(await forged.put(`/products/${SKU}`, { ...product, stock: 1 }), '401 UNAUTHENTICATED');
    expectProblem(await forged.put(`/cart/items/${SKU}`, { quantity: 1 }), '401 UNAUTHENTICATED');
  });

  it.each(['Bearer', 'Basic YTpi', 'bearer  x', 'Token abc', 'Bearer a b', 'null'])('in the header %j is none', async (authorization) => {
    expectProblem(await anonymous.get('/cart', { authorization }), '401 UNAUTHENTICATED');
  });
});

function swapClaims(token: string, claims: object): string {
  const [header, body, signature] = token.split('.') as [string, string, string];
  const changed = { ...JSON.parse(Buffer.from(body, 'base64url').toString()), ...claims };
  return [header, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.');
}

describe('who may not', () => {
  beforeAll(remember);
  afterAll(nothingWritten);
  const refund = () => `/payments/${payment.paymentId}/refunds`;
  const amount = { amount: { amount: 1, currency: 'EUR' } };

  it('a buyer does nothing that is a merchant’s', async () => {
    expectProblem(await buyer.put(`/products/${SKU}`, product), '403 FORBIDDEN');
    expectProblem(await buyer.get('/payments/ledger'), '403 FORBIDDEN');
    expectProblem(await buyer.post(refund(), amount, { 'idempotency-key': randomUUID() }), '403 FORBIDDEN');
  });

  it('a stranger does nothing that is a buyer’s', async () => {
    for (const [method, path] of [
      ['GET', '/cart'],
      ['PUT', `/cart/items/${SKU}`],
      ['DELETE', `/cart/items/${SKU}`],
      ['POST', '/cart/checkout'],
      ['GET', '/orders'],
    ] as const)
      expectProblem(await anonymous.send(method, path, method === 'GET' ? undefined : { quantity: 1 }), '401 UNAUTHENTICATED');
  });

  it('someone else’s order and payment are not there', async () => {
    expectProblem(await buyer.get(`/orders/${foreign.orderId}`), '404 ORDER_NOT_FOUND');
    expectProblem(await buyer.get(`/payments/${payment.paymentId}`), '404 PAYMENT_NOT_FOUND');
    expect((await buyer.get(`/payments?orderId=${foreign.orderId}`)).body).toEqual({ items: [], nextCursor: null });
  });

  it('nobody has what does not exist', async () => {
    for (const id of [randomUUID(), '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']) {
      expectProblem(await buyer.get(`/orders/${id}`), '404 ORDER_NOT_FOUND');
      expectProblem(await merchant.get(`/payments/${id}`), '404 PAYMENT_NOT_FOUND');
      const answer = await merchant.post(`/payments/${id}/refunds`, amount, { 'idempotency-key': randomUUID() });
      expectProblem(answer, '404 PAYMENT_NOT_FOUND');
    }
  });

  it('what an account writes goes into its own cart, whatever cart it names', async () => {
    const { cartId } = (await buyer.get('/cart')).body;
    const other = await Shopper.register(gateway);
    const { body } = await other.send('PUT', `/cart/items/${SKU}?cartId=${cartId}`, { quantity: 3, cartId, accountId: cartId });
    expect(body['cartId']).not.toBe(cartId);
  });
});

it('a thousand requests at once with one key are one order', async () => {
  const shopper = await Shopper.register(gateway);
  await shopper.put(`/cart/items/${SKU}`, { quantity: 1 });
  const key = randomUUID();
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => shopper.checkout({}, 'tok_ok', key)));
  const taken = answers.filter(({ status }) => status === 202);
  const others = answers.filter(({ status }) => status !== 202) as Answer[];
  expect(new Set(taken.map(({ body }) => body.orderId)).size).toBe(1);
  for (const answer of others) expectProblem(answer, '409 IDEMPOTENCY_KEY_IN_USE', '429 TOO_MANY_REQUESTS');

  const { status } = await shopper.final(taken[0]!.body.orderId);
  expect(status).toBe('CONFIRMED');
  expect((await shopper.get<{ items: unknown[] }>('/orders')).body.items).toHaveLength(1);
});
