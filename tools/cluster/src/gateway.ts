import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { platformErrors, problemDocument } from '@ballast/service/platform-errors';
import httpProxy from '@fastify/http-proxy';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerBase,
  type RouteGenericInterface,
} from 'fastify';
import type { Pool } from 'undici';
import { neverSent, Targets } from './targets.js';

const PROBLEM_JSON = 'application/problem+json';
/** The HTTP contract's: what a service would refuse. */
const BODY_LIMIT = 100 * 1024;

/** A path prefix and the instances of the service that answers below it. */
export interface GatewayRoute {
  prefix: string;
  upstream: string | readonly string[];
}

export interface Gateway {
  readonly url: string;
  /** From now on requests below the prefix go to these instances. */
  send(prefix: string, upstreams: readonly string[]): void;
  close(): Promise<void>;
}

/** A segment of one or two dots, plain or encoded: it could lead out of the prefix that chose the service. */
const leavesPrefix = /^[^?]*(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\\?]|%2f|%5c|$)/i;

/**
 * The one door in front of the services: sends a request on by the first segment of its path and streams the answer back.
 * It adds nothing but the caller's address. What failed is repeated only on another instance, and only where that is safe (`Targets`):
 * to ask the same one again is the caller's right alone.
 *
 * @param options `headersWithin`: milliseconds until a service must have begun to answer
 */
export async function startGateway(
  routes: readonly GatewayRoute[],
  port: number,
  { headersWithin = 60_000 }: { headersWithin?: number } = {},
): Promise<Gateway> {
  // Bodies are passed on as they come.
  const app = Fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    frameworkErrors: (_, request, reply) => void problem(request, reply, 'BAD_REQUEST', 'The path is malformed'),
    clientErrorHandler: answerBrokenRequest,
  });
  app.addHook('onRequest', async (request, reply) => {
    if (leavesPrefix.test(request.url)) await problem(request, reply, 'BAD_REQUEST', 'The path must not hold . or .. segments');
  });
  // A service that has seen enough stops reading, which may break the connection before its answer is read. Here the rest is read and dropped.
  app.addHook('onRequest', async (request, reply) => {
    if (Number(request.headers['content-length']) > BODY_LIMIT) await problem(request, reply, 'PAYLOAD_TOO_LARGE');
  });
  app.setNotFoundHandler((request, reply) => problem(request, reply, 'ROUTE_NOT_FOUND'));
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error.statusCode === 415) return problem(request, reply, 'UNSUPPORTED_MEDIA_TYPE');
    return problem(request, reply, error.statusCode && error.statusCode < 500 ? 'BAD_REQUEST' : 'INTERNAL');
  });
  const services = new Map(routes.map(({ prefix, upstream }) => [prefix, new Targets([upstream].flat(), headersWithin)]));
  for (const [prefix, targets] of services) await register(app, prefix, targets);
  await app.listen({ host: '127.0.0.1', port });
  const address = app.server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : port}`,
    send(prefix, upstreams) {
      const targets = services.get(prefix);
      if (!targets) throw new TypeError(`the gateway has no route ${prefix}`);
      targets.set(upstreams);
    },
    async close() {
      await app.close();
      await Promise.all([...services.values()].map((targets) => targets.close()));
    },
  };
}

async function register(app: FastifyInstance, prefix: string, targets: Targets): Promise<void> {
  await app.register(httpProxy, {
    prefix,
    upstream: 'http://targets',
    rewritePrefix: prefix,
    internalRewriteLocationHeader: false,
    undici: targets as unknown as Pool, // of which it needs `request` alone
    retryMethods: [],
    maxRetriesOn503: 0,
    replyOptions: {
      // What a caller claims in X-Forwarded-For is not handed on: services believe this address.
      rewriteHeaders: ({ connection: _, 'keep-alive': __, ...headers }) => headers, // of the connection to the service, not of the caller's
      rewriteRequestHeaders: (request, headers) => ({ ...headers, 'x-forwarded-for': request.ip }),
      onError: (reply, { error }) => {
        const { request } = reply;
        const service = prefix.slice(1);
        if (effectless.has(request.method) || neverSent(error.cause ?? error)) {
          void problem(request, reply, 'UNAVAILABLE', `What answers /${service} is away for now`);
        } else {
          void problem(request, reply, 'OUTCOME_UNKNOWN');
        }
      },
    },
  });
}

const effectless = new Set(['GET', 'HEAD', 'OPTIONS']);

type Asked = Pick<FastifyRequest, 'headers' | 'url'>;
type Answering = Pick<FastifyReply<RouteGenericInterface, RawServerBase>, 'code' | 'header'>;
type Code = keyof typeof platformErrors;

/** A problem as the services answer it; in the caller's trace when it has one. */
function problem(request: Asked, reply: Answering, code: Code, detail?: string): unknown {
  const { traceparent, document } = documentOf(code, detail, request.url, request.headers['traceparent']);
  if (document.status === 503) reply.header('retry-after', '1');
  return reply.code(document.status).header('traceparent', traceparent).type(PROBLEM_JSON).send(document);
}

/** Not HTTP at all, or more headers than anyone reads: there is no request to answer, only a socket. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const { traceparent, document } =
    error.code === 'HPE_HEADER_OVERFLOW' ? documentOf('HEADERS_TOO_LARGE', undefined, '') : documentOf('BAD_REQUEST', undefined, '');
  const { status } = document;
  const body = JSON.stringify(document);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_JSON}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end([...head, `traceparent: ${traceparent}`, 'connection: close', '', body].join('\r\n'));
}

function documentOf(code: Code, detail: string | undefined, url: string, incoming?: unknown) {
  const given = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.exec(String(incoming));
  const traceId = given?.[1] ?? randomBytes(16).toString('hex');
  const traceparent = given?.[0] ?? `00-${traceId}-${randomBytes(8).toString('hex')}-00`;
  const document = problemDocument(platformErrors[code](), url.split('?')[0] ?? '', traceId);
  return { traceparent, document: { ...document, ...(detail && { detail }) } };
}
