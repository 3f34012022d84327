import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import httpProxy from '@fastify/http-proxy';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerBase,
  type RouteGenericInterface,
} from 'fastify';

const PROBLEM_JSON = 'application/problem+json';
/** The HTTP contract's: what a service would refuse. */
const BODY_LIMIT = 100 * 1024;

/** A path prefix and the service that answers below it. */
export interface GatewayRoute {
  prefix: string;
  upstream: string;
}

export interface Gateway {
  readonly url: string;
  close(): Promise<void>;
}

/** A segment of one or two dots, plain or encoded: it could lead out of the prefix that chose the service. */
const leavesPrefix = /^[^?]*(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\\?]|%2f|%5c|$)/i;

/**
 * The one door in front of the services: sends a request on by the first segment of its path and streams the answer back.
 * It adds nothing but the caller's address, and retries nothing: that is the caller's right alone.
 */
export async function startGateway(routes: readonly GatewayRoute[], port: number): Promise<Gateway> {
  // Bodies are passed on as they come.
  const app = Fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    frameworkErrors: (_, request, reply) => void problem(request, reply, 400, 'BAD_REQUEST', 'The path is malformed'),
    clientErrorHandler: answerBrokenRequest,
  });
  app.addHook('onRequest', async (request, reply) => {
    if (leavesPrefix.test(request.url)) await problem(request, reply, 400, 'BAD_REQUEST', 'The path must not hold . or .. segments');
  });
  // A service that has seen enough stops reading, which may break the connection before its answer is read. Here the rest is read and dropped.
  app.addHook('onRequest', async (request, reply) => {
    if (Number(request.headers['content-length']) > BODY_LIMIT)
      await problem(request, reply, 413, 'PAYLOAD_TOO_LARGE', 'The body is larger than 100 KB');
  });
  app.setNotFoundHandler((request, reply) => problem(request, reply, 404, 'ROUTE_NOT_FOUND', 'There is no such route'));
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode && error.statusCode < 500 ? error.statusCode : 500;
    const code = status === 415 ? 'UNSUPPORTED_MEDIA_TYPE' : status < 500 ? 'BAD_REQUEST' : 'INTERNAL';
    return problem(request, reply, status, code, 'The gateway could not handle the request');
  });
  for (const { prefix, upstream } of routes) await register(app, prefix, upstream);
  await app.listen({ host: '127.0.0.1', port });
  const address = app.server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : port}`, close: () => app.close() };
}

async function register(app: FastifyInstance, prefix: string, upstream: string): Promise<void> {
  await app.register(httpProxy, {
    prefix,
    upstream,
    rewritePrefix: prefix,
    internalRewriteLocationHeader: false,
    // A stream may be silent for long, and holds a connection while it is open, so there must be many; headers must come within the
    // longest wait of the HTTP contract, and some.
    undici: { connections: 4_096, pipelining: 1, keepAliveTimeout: 4_000, headersTimeout: 60_000, bodyTimeout: 0 },
    retryMethods: [],
    maxRetriesOn503: 0,
    replyOptions: {
      // What a caller claims in X-Forwarded-For is not handed on: services believe this address.
      rewriteHeaders: ({ connection: _, 'keep-alive': __, ...headers }) => headers, // of the connection to the service, not of the caller's
      rewriteRequestHeaders: (request, headers) => ({ ...headers, 'x-forwarded-for': request.ip }),
      onError: (reply, { error }) => {
        const timedOut = (error as { statusCode?: number }).statusCode === 504;
        const service = prefix.slice(1);
        void (timedOut
          ? problem(reply.request, reply, 504, 'UPSTREAM_TIMEOUT', `Nothing came from /${service} in time`)
          : problem(reply.request, reply, 503, 'UNAVAILABLE', `What answers /${service} is away for now`));
      },
    },
  });
}

type Asked = Pick<FastifyRequest, 'headers' | 'url'>;
type Answering = Pick<FastifyReply<RouteGenericInterface, RawServerBase>, 'code' | 'header'>;

/** RFC 9457, as the services answer it; in the caller's trace when it has one. */
function problem(request: Asked, reply: Answering, status: number, code: string, detail: string): unknown {
  const { traceparent, document } = documentOf(status, code, detail, request.url, request.headers['traceparent']);
  if (status === 503) reply.header('retry-after', '1');
  return reply.code(status).header('traceparent', traceparent).type(PROBLEM_JSON).send(document);
}

/** Not HTTP at all, or more headers than anyone reads: there is no request to answer, only a socket. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, code, detail] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ([431, 'HEADERS_TOO_LARGE', 'The request headers are too large'] as const)
      : ([400, 'BAD_REQUEST', 'The request is malformed'] as const);
  const { traceparent, document } = documentOf(status, code, detail, '');
  const body = JSON.stringify(document);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_JSON}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end([...head, `traceparent: ${traceparent}`, 'connection: close', '', body].join('\r\n'));
}

function documentOf(status: number, code: string, detail: string, url: string, incoming?: unknown) {
  const given = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.exec(String(incoming));
  const traceId = given?.[1] ?? randomBytes(16).toString('hex');
  const traceparent = given?.[0] ?? `00-${traceId}-${randomBytes(8).toString('hex')}-00`;
  const instance = url.split('?')[0];
  return { traceparent, document: { type: 'about:blank', title: STATUS_CODES[status], status, detail, code, instance, traceId } };
}
