import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import httpProxy from '@fastify/http-proxy';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerBase,
  type RouteGenericInterface,
} from 'fastify';

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
  // Bodies are passed on as they come, and their size is the service's to judge.
  const app = Fastify({ logger: false, forceCloseConnections: true, bodyLimit: Number.MAX_SAFE_INTEGER });
  app.addHook('onRequest', async (request, reply) => {
    if (leavesPrefix.test(request.url)) await problem(request, reply, 400, 'BAD_REQUEST', 'The path must not hold . or .. segments');
  });
  for (const { prefix, upstream } of routes) await register(app, prefix, upstream);
  app.setNotFoundHandler((request, reply) => problem(request, reply, 404, 'ROUTE_NOT_FOUND', 'There is no such route'));
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode && error.statusCode < 500 ? error.statusCode : 500;
    return problem(request, reply, status, status < 500 ? 'BAD_REQUEST' : 'INTERNAL', 'The gateway could not handle the request');
  });
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
  const given = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(String(request.headers['traceparent']));
  const traceId = given?.[1] ?? randomBytes(16).toString('hex');
  if (status === 503) reply.header('retry-after', '1');
  return reply
    .code(status)
    .header('traceparent', given?.[0] ?? `00-${traceId}-${randomBytes(8).toString('hex')}-00`)
    .type('application/problem+json')
    .send({ type: 'about:blank', title: STATUS_CODES[status], status, detail, code, instance: request.url.split('?')[0], traceId });
}
