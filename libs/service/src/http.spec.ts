import { connect } from 'node:net';
import { createLogger } from '@ballast/tracing';
import { gate, sampleManifest, SampleModule } from '../test/sample.module.js';
import { testService, type TestService } from './testing.js';

const lines: string[] = [];
let service: TestService;
beforeAll(async () => {
  service = await testService(SampleModule, sampleManifest, {});
  createLogger({ service: 'sample', level: 'info', destination: { write: (line) => void lines.push(line) } });
});
afterAll(() => service.close());

const raw = async (path: string, init: RequestInit) => {
  const response = await fetch(service.url + path, init);
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
};
const json = { 'content-type': 'application/json' };

describe('every error is a problem', () => {
  it.each([
    ['a body that is not JSON', { body: '{"name":', headers: json }, 400, 'INVALID_JSON'],
    ['a body that would set a prototype', { body: '{"__proto__":{"admin":true}}', headers: json }, 400, 'INVALID_JSON'],
    ['a body that would set a constructor', { body: '{"constructor":{"prototype":{"a":1}}}', headers: json }, 400, 'INVALID_JSON'],
    ['a body nested too deeply', { body: '['.repeat(40_000) + ']'.repeat(40_000), headers: json }, 400, 'INVALID_JSON'],
    ['a text that is not UTF-8', { body: Buffer.from('{"name":"\xff\xc3"}', 'latin1'), headers: json }, 400, 'INVALID_JSON'],
    ['a text with NUL', { body: '{"name":"a\\u0000"}', headers: json }, 400, 'INVALID_JSON'],
    ['a text with half a surrogate pair', { body: '{"name":"\\ud83d"}', headers: json }, 400, 'INVALID_JSON'],
    ['a key with half a surrogate pair', { body: '{"name":"a","\\uDE00":1}', headers: json }, 400, 'INVALID_JSON'],
    ['a body over 100 KB', { body: JSON.stringify({ name: 'x'.repeat(110_000) }), headers: json }, 413, 'PAYLOAD_TOO_LARGE'],
    ['text', { body: 'name=x', headers: { 'content-type': 'text/plain' } }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a form', { body: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['no body at all', {}, 400, 'VALIDATION_FAILED'],
    ['an empty body', { body: '', headers: json }, 400, 'VALIDATION_FAILED'],
  ])('%s', async (_, init, status, code) => {
    const answer = await raw('/things', { method: 'POST', ...init });
    expect(answer.body).toMatchObject({ status, code, instance: '/things' });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(Object.keys(answer.body).sort()).toEqual(
      expect.arrayContaining(['code', 'detail', 'instance', 'status', 'title', 'traceId', 'type']),
    );
    expect(answer.headers.get('traceparent')).toMatch(new RegExp(`^00-${answer.body.traceId}-[0-9a-f]{16}-0[01]$`));
  });

  it('takes whole pairs, and a backslash before u that is only text', async () => {
    const text = String.raw`{"name":"\\u0000 \ud83d\ude00"}`;
    const answer = await raw('/things', { method: 'POST', body: text, headers: json });
    expect(answer).toMatchObject({ status: 201, body: { name: String.raw`\u0000 😀` } });
  });

  it('names the fields that are wrong, and never their values', async () => {
    const answer = await service.request('/things', { method: 'POST', body: { name: 's3cret-'.repeat(9), tags: [1] } });
    expect(answer.body.errors.map((e: { path: string }) => e.path)).toEqual(['name', 'tags.0']);
    expect(JSON.stringify(answer.body)).not.toContain('s3cret');
  });

  it('checks the query', async () => {
    expect((await service.request('/things?limit=0')).body).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ path: 'limit' }] });
    expect((await service.request('/things')).body).toEqual({ items: ['a', 'b'], nextCursor: 'Yg' });
  });

  it('tells a wrong path from a wrong method', async () => {
    expect((await service.request('/nothing')).body).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' });
    const answer = await service.request('/things', { method: 'PATCH', body: {} });
    expect(answer.body).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
  });

  it('answers a broken URL', async () => {
    for (const path of ['/things/%zz', '/things/fail/a%00', '/things?cursor=%00'])
      expect((await service.request(path)).body).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
  });

  it("gives a service's own errors with their members and headers", async () => {
    const answer = await service.request('/things/fail/problem');
    expect(answer.body).toMatchObject({ status: 409, code: 'SAMPLE_GONE', detail: 'Thing x has gone', thingId: 'x', title: 'Sample gone' });
    expect(answer.headers.get('retry-after')).toBe('7');
  });

  it('says nothing of what went wrong inside', async () => {
    const answer = await service.request('/things/fail/inside');
    expect(answer.body).toMatchObject({ status: 500, code: 'INTERNAL' });
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect((await service.request('/things/fail/nest')).body).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  it('503 with Retry-After while the database is away', async () => {
    const answer = await service.request('/things/fail/away');
    expect(answer.body).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('an unknown outcome says that it is unknown and that the key may be sent again', async () => {
    const answer = await service.request('/things/fail/unknown');
    expect(answer.body).toMatchObject({ status: 503, code: 'OUTCOME_UNKNOWN' });
    expect(answer.body.detail).toContain('same Idempotency-Key');
    expect(answer.headers.has('retry-after')).toBe(true);
  });

  it('answers what is not HTTP at all', async () => {
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    socket.write('NONSENSE\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 400 [^]*traceparent: 00-[^]*"code":"BAD_REQUEST"/);
  });
});

describe('every answer', () => {
  it('carries traceparent, in the trace of the caller', async () => {
    const trace = 'a'.repeat(32);
    const answer = await service.request('/things', { headers: { traceparent: `00-${trace}-${'b'.repeat(16)}-01` } });
    expect(answer.headers.get('traceparent')).toContain(trace);
    for (const path of ['/things', '/nothing', '/health/live', '/health/ready', '/metrics', '/docs/json', '/things/%zz'])
      expect((await service.request(path)).headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  });

  it('has security headers and does not say what made it', async () => {
    const { headers } = await service.request('/things');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.has('x-powered-by')).toBe(false);
  });

  it('is in the access log by its route, without path, query or health checks', async () => {
    lines.length = 0;
    await service.request('/health/live');
    await service.request('/things/fail/problem?token=abc');
    expect(lines.map((line) => JSON.parse(line).route).filter(Boolean)).toEqual(['/things/fail/:how']);
    expect(lines.join()).not.toContain('abc');
  });
});

describe('health and metrics', () => {
  it('live and ready, open to all', async () => {
    expect(await service.request('/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await service.request('/health/ready')).toMatchObject({ status: 200, body: { status: 'ok', away: [] } });
  });

  it('counts requests by route, health not among them', async () => {
    await service.request('/things/fail/problem');
    const { body } = await service.request('/metrics');
    expect(body).toContain('ballast_http_request_duration_seconds_count{method="GET",route="/things/fail/:how",status="409"}');
    expect(body).not.toContain('/health/');
  });
});

describe('/docs', () => {
  it('has request and answer of every route', async () => {
    const { body } = await service.request('/docs/json');
    const add = body.paths['/things'].post;
    expect(add.requestBody.content['application/json'].schema.properties.name).toMatchObject({ type: 'string', maxLength: 20 });
    expect(add.responses['201'].content['application/json'].schema.required).toContain('name');
    expect(add.responses['409'].description).toBe('SAMPLE_GONE');
    expect(body.paths['/things/mine'].get.security).toEqual([{ bearer: [] }]);
    expect(body.paths['/things'].get.parameters.map((p: { name: string }) => p.name)).toEqual(['limit', 'cursor']);
  });

  it('has the problems that the platform itself answers, each where it may come', async () => {
    const { paths } = (await service.request('/docs/json')).body;
    const statuses = (operation: { responses: object }) => Object.keys(operation.responses);
    expect(statuses(paths['/things'].get)).toEqual(['200', '400', '429', '503']);
    expect(statuses(paths['/things'].post)).toEqual(['201', '400', '409', '413', '415', '429', '503']);
    expect(statuses(paths['/things/mine'].get)).toEqual(expect.arrayContaining(['401']));
    expect(statuses(paths['/things/fail/{how}'].get)).toEqual(expect.arrayContaining(['414']));
    const [, codes] = paths['/things'].post.responses['400'].content['application/problem+json'].schema.allOf;
    expect(codes.properties.code.enum).toEqual(['BAD_REQUEST', 'VALIDATION_FAILED', 'INVALID_JSON']);
  });

  it('has the header that a parameter decorator requires, with its problems', async () => {
    const { post } = (await service.request('/docs/json')).body.paths['/things/keyed'];
    expect(post.parameters).toEqual([expect.objectContaining({ name: 'Idempotency-Key', in: 'header', required: true })]);
    expect(post.responses['422'].description).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(post.responses['409'].description).toBe('IDEMPOTENCY_KEY_IN_USE');
  });

  it('has a page with its script and style', async () => {
    expect((await service.request('/docs')).body).toContain('swagger-ui');
    expect((await service.request('/docs/swagger-ui.css')).status).toBe(200);
    expect((await service.request('/docs/package.json')).body).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
  });
});

describe('shutdown', () => {
  it('answers the request at work and takes no other', async () => {
    const own = await testService(SampleModule, sampleManifest, {});
    const reached = new Promise<void>((resolve) => (gate.reached = resolve));
    const slow = own.request('/things/slow');
    await reached;
    const closing = own.close();
    await expect(own.request('/things')).rejects.toThrow();
    gate.open();
    expect(await slow).toMatchObject({ status: 200, body: { slept: true } });
    await closing;
  });
});
