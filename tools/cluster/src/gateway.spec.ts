import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { eventually, freePort } from '@ballast/testing';
import { type Gateway, type GatewayRoute, startGateway } from './gateway.js';

describe('the gateway', () => {
  let upstream: Server;
  let gateway: Gateway;
  let routes: GatewayRoute[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let seen: IncomingMessage[];

  beforeAll(async () => {
    upstream = createServer((request, response) => {
      seen.push(request);
      answer(request, response);
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    routes = [
      { prefix: '/cart', upstream: `http://127.0.0.1:${(upstream.address() as { port: number }).port}` },
      { prefix: '/away', upstream: `http://127.0.0.1:${await freePort()}` },
    ];
    gateway = await startGateway(routes, 0);
  });
  beforeEach(() => {
    seen = [];
    answer = (_, response) => void response.end('ok');
  });
  afterAll(async () => {
    await gateway.close();
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
  });

  it('sends a request on as it is and the answer back as it is', async () => {
    let body = '';
    answer = (request, response) => {
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => response.writeHead(202, { location: '/orders/1', 'x-own': 'yes' }).end('{"orderId":"1"}'));
    };
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const response = await fetch(`${gateway.url}/cart/checkout?a=1&a=2`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k', traceparent },
      body: '{ "paymentToken": "tok_ok" }',
    });
    expect(body).toBe('{ "paymentToken": "tok_ok" }');
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/cart/checkout?a=1&a=2' });
    expect(seen[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'idempotency-key': 'k', traceparent });
    expect([response.status, response.headers.get('location'), response.headers.get('x-own')]).toEqual([202, '/orders/1', 'yes']);
    expect(await response.text()).toBe('{"orderId":"1"}');
  });

  it.each(['not json', '{"a":', 'x'.repeat(100 * 1024)])('leaves the judgement of a body to the service', async (body) => {
    answer = (request, response) => request.resume().on('end', () => response.writeHead(400).end());
    const response = await fetch(`${gateway.url}/cart`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body });
    expect(response.status).toBe(400);
    expect(seen).toHaveLength(1);
  });

  it('names a content type that is none as the services do', async () => {
    const response = await fetch(`${gateway.url}/cart`, { method: 'PUT', headers: { 'content-type': 'nonsense' }, body: '{}' });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('refuses a body over 100 KB itself, and its answer arrives', async () => {
    for (let i = 0; i < 20; i++) {
      const response = await fetch(`${gateway.url}/cart`, { method: 'PUT', body: 'x'.repeat(2_000_000) });
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    }
    expect(seen).toHaveLength(0);
  });

  it('tells services the true address of the caller, not what the caller claims', async () => {
    await fetch(`${gateway.url}/cart`, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    expect(seen[0]?.headers['x-forwarded-for']).toBe('127.0.0.1');
  });

  it('streams: the first event arrives while the answer is still open', async () => {
    let finish: () => void = () => undefined;
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      finish = () => response.end('data: 2\n\n');
    };
    const response = await fetch(`${gateway.url}/cart/stream`);
    const reader = response.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('data: 1\n\n');
    finish();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('data: 2\n\n');
    expect((await reader.read()).done).toBe(true);
  });

  it('has room for other requests beside hundreds of open streams, and lets the service know when their clients leave', async () => {
    let left = 0;
    answer = (request, response) => {
      if (!request.url?.endsWith('/stream')) return void response.end('ok');
      response.once('close', () => left++);
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    };
    const gone = new AbortController();
    const streams = Array.from({ length: 300 }, () => fetch(`${gateway.url}/cart/stream`, { signal: gone.signal }));
    for (const stream of await Promise.all(streams)) expect(stream.status).toBe(200);
    expect(await (await fetch(`${gateway.url}/cart`)).text()).toBe('ok');
    gone.abort();
    await eventually(() => expect(left).toBe(300));
  }, 30_000);

  it('breaks a stream off when its service dies, so that the client comes again', async () => {
    let die: () => void = () => undefined;
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      die = () => response.destroy();
    };
    const reader = (await fetch(`${gateway.url}/cart/stream`)).body!.getReader();
    await reader.read();
    die();
    await expect(reader.read()).rejects.toThrow();
  });

  it('answers for a service that is away: 503 with Retry-After, in the caller’s trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const response = await fetch(`${gateway.url}/away/1?x=y`, { headers: { traceparent } });
    expect(response.status).toBe(503);
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'retry-after': '1', traceparent });
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await response.json()).toMatchObject({
      type: 'urn:ballast:problem:unavailable',
      title: 'Unavailable',
      code: 'UNAVAILABLE',
      status: 503,
      instance: '/away/1',
      traceId: '0af7651916cd43dd8448eb211c80319c',
    });
  });

  it.each(['GET', 'POST'])('does not send a %s again that failed: that is the caller’s right', async (method) => {
    answer = (_, response) => void response.writeHead(503, { 'retry-after': '0' }).end();
    expect((await fetch(`${gateway.url}/cart`, { method })).status).toBe(503);
    answer = (_, response) => void response.destroy();
    expect((await fetch(`${gateway.url}/cart`, { method })).status).toBe(503);
    expect(seen).toHaveLength(2);
  });

  it.each([
    ['GET', '/cart', 'UNAVAILABLE'],
    ['POST', '/cart', 'OUTCOME_UNKNOWN'],
    ['PUT', '/cart', 'OUTCOME_UNKNOWN'],
    ['DELETE', '/cart', 'OUTCOME_UNKNOWN'],
    ['GET', '/away', 'UNAVAILABLE'],
    ['POST', '/away', 'UNAVAILABLE'],
    ['DELETE', '/away', 'UNAVAILABLE'],
  ])('says of a %s to %s that broke whether it may have had an effect', async (method, path, code) => {
    answer = (_, response) => void response.destroy();
    const response = await fetch(gateway.url + path, { method });
    expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([
      503,
      '1',
      expect.objectContaining({ code, status: 503, type: `urn:ballast:problem:${code.toLowerCase().replace('_', '-')}` }),
    ]);
  });

  it('says of a request that nobody answered in time that its outcome is unknown', async () => {
    answer = () => undefined;
    const hasty = await startGateway(routes, 0, { headersWithin: 50 });
    try {
      const codeOf = async (method: string) => {
        const response = await fetch(`${hasty.url}/cart`, { method });
        return [response.status, ((await response.json()) as { code: string }).code];
      };
      expect(await codeOf('POST')).toEqual([503, 'OUTCOME_UNKNOWN']);
      expect(await codeOf('GET')).toEqual([503, 'UNAVAILABLE']);
    } finally {
      await hasty.close();
    }
  });

  it.each(['/', '/cartoon', '/metrics', '/health/ready'])('knows no route %s', async (path) => {
    expect(await raw(path)).toEqual({ status: 404, code: 'ROUTE_NOT_FOUND' });
    expect(seen).toHaveLength(0);
  });

  it.each(['/cart/../metrics', '/cart/%2e%2e/metrics', '/cart/..%2fmetrics', '/cart/x/..', '/cart\\..\\metrics'])(
    'lets nobody around a prefix: %s',
    async (path) => {
      expect(await raw(path)).toEqual({ status: 400, code: 'BAD_REQUEST' });
      expect(seen).toHaveLength(0);
    },
  );

  it.each(['/cart/%', '/cart/%zz', '/cart/%ff', '/cart/..;/metrics'])('answers a path that is malformed: %s', async (path) => {
    expect(await raw(path)).toEqual({ status: 400, code: 'BAD_REQUEST' });
    expect(seen).toHaveLength(0);
  });

  it.each([
    ['what is not HTTP', 'NONSENSE\r\n\r\n', 400, 'BAD_REQUEST'],
    ['two lengths', 'GET /cart HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400, 'BAD_REQUEST'],
    ['too many headers', `GET /cart HTTP/1.1\r\nhost: x\r\npad: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
  ])('answers %s with a problem', async (_, bytes, status, code) => {
    const text = await exchange(bytes);
    expect(text).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} [^]*content-type: application/problem\\+json[^]*traceparent: 00-[^]*"code":"${code}"`),
    );
    expect(seen).toHaveLength(0);
  });

  it('closes the connection of a caller that asks for it, whatever the service does with its own', async () => {
    expect(await exchange('GET /cart HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 [^]*connection: close/i);
  });

  it('passes dots that are no segment', async () => {
    await fetch(`${gateway.url}/cart/items/a..b?next=/../x`);
    expect(seen[0]?.url).toBe('/cart/items/a..b?next=/../x');
  });

  /** Sends these bytes and reads until the gateway closes the connection. */
  async function exchange(bytes: string): Promise<string> {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    socket.write(bytes);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    return text;
  }

  /** `fetch` would tidy the path up before sending it. */
  function raw(path: string): Promise<{ status: number | undefined; code: string }> {
    const { port } = new URL(gateway.url);
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, code: (JSON.parse(body) as { code: string }).code }));
      });
      sent.on('error', reject).end();
    });
  }
});

describe('a service with several instances', () => {
  /** An instance that says its name, unless it is told to do something else. */
  class Instance {
    requests: string[] = [];
    answer?: (request: IncomingMessage, response: ServerResponse) => void;
    private readonly server = createServer((request, response) => {
      this.requests.push(request.method!);
      if (this.answer) return this.answer(request, response);
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => response.end(`${this.name}${body}`));
    });

    constructor(private readonly name: string) {}

    async start(port = 0): Promise<this> {
      await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
      return this;
    }
    get port(): number {
      return (this.server.address() as { port: number }).port;
    }
    get url(): string {
      return `http://127.0.0.1:${this.port}`;
    }
    async stop(): Promise<void> {
      if (!this.server.listening) return;
      const closed = new Promise((resolve) => this.server.close(resolve));
      this.server.closeAllConnections();
      await closed;
    }
  }

  let a: Instance;
  let b: Instance;
  let gateway: Gateway;
  beforeEach(async () => {
    [a, b] = [await new Instance('a').start(), await new Instance('b').start()];
    gateway = await startGateway([{ prefix: '/cart', upstream: [a.url, b.url] }], 0);
  });
  afterEach(async () => {
    await gateway.close();
    await Promise.all([a.stop(), b.stop()]);
  });

  const ask = async (method = 'GET', headers: Record<string, string> = {}) => {
    const response = await fetch(`${gateway.url}/cart`, { method, headers, ...(method !== 'GET' && { body: '!' }) });
    return { status: response.status, text: await response.text() };
  };
  const texts = async (count: number, method?: string) =>
    (await Promise.all(Array.from({ length: count }, () => ask(method)))).map(({ text }) => text).sort();
  const breaksOff = (_: IncomingMessage, response: ServerResponse) => void response.destroy();

  it('is asked in turn', async () => {
    expect(await texts(6)).toEqual(['a', 'a', 'a', 'b', 'b', 'b']);
  });

  it.each(['GET', 'POST'])('answers a %s while one of them is away: what it could not be sent goes to the other, whole', async (method) => {
    await a.stop();
    expect(new Set(await texts(10, method))).toEqual(new Set([method === 'GET' ? 'b' : 'b!']));
  });

  it.each([
    ['GET', {}],
    ['PUT', {}],
    ['DELETE', {}],
    ['POST', { 'idempotency-key': 'k' }],
  ])('repeats a %s that broke off on the other', async (method, headers) => {
    a.answer = breaksOff;
    for (let i = 0; i < 4; i++) expect((await ask(method, headers)).text).toBe(method === 'GET' ? 'b' : 'b!');
    expect(a.requests).toEqual([method]);
  });

  it('does not repeat a POST without a key: it may have had its effect', async () => {
    a.answer = b.answer = breaksOff;
    const { status, text } = await ask('POST');
    expect([status, (JSON.parse(text) as { code: string }).code]).toEqual([503, 'OUTCOME_UNKNOWN']);
    expect([...a.requests, ...b.requests]).toEqual(['POST']);
  });

  it('asks each once, and says so when all are away', async () => {
    a.answer = b.answer = breaksOff;
    expect((await ask()).status).toBe(503);
    expect([a.requests, b.requests]).toEqual([['GET'], ['GET']]);
  });

  it('lets one that says it goes alone', async () => {
    a.answer = (_, response) => void response.setHeader('connection', 'close').end('a goes');
    expect(await texts(1)).toEqual(['a goes']);
    expect(new Set(await texts(10))).toEqual(new Set(['b']));
  });

  it('comes back to one that is there again', async () => {
    const { port } = a;
    await a.stop();
    await texts(4);
    a = await new Instance('again').start(port);
    await eventually(async () => expect(new Set(await texts(4))).toEqual(new Set(['again', 'b'])));
  });

  it('can change while it runs', async () => {
    gateway.send('/cart', [b.url]);
    expect(new Set(await texts(4))).toEqual(new Set(['b']));
    expect(() => gateway.send('/none', [])).toThrow('no route /none');
  });
});
