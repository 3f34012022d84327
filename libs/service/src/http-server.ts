import type { Socket } from 'node:net';
import helmet from '@fastify/helmet';
import { histogram, logger, setHttpRoute } from '@ballast/tracing';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BaseConfig } from './config.js';
import { acceptJsonOnly } from './json-body.js';
import { platformErrors } from './platform.errors.js';
import { problemDocument } from './problem.js';
import { PROBLEM_JSON, sendProblem } from './problem.filter.js';
import { toProblem } from './problem-mapping.js';
import { traceIdOf, traceparentFor } from './trace-header.js';

const KB = 1024;
const BODY_LIMIT = 100 * KB;
/** For the whole request to arrive, and for a handler to answer it. */
const REQUEST_TIMEOUT = 15_000;
const HANDLER_TIMEOUT = 30_000;
/** The longest a timer takes: a route that streams ends by its own rules. */
const NO_TIMEOUT = 2 ** 31 - 1;
/** Longer than a gateway keeps an idle connection, so that it is never us who close one it is about to use. */
const KEEP_ALIVE = 75_000;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Health and metrics: no token, no limit, no access log. */
    internal?: boolean;
    /** The answer stays open, see `@Streams()`. */
    streams?: boolean;
  }
}

/** The HTTP side of a service, before Nest puts its routes on it. */
export async function createServer(config: BaseConfig): Promise<FastifyAdapter> {
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    handlerTimeout: HANDLER_TIMEOUT,
    keepAliveTimeout: KEEP_ALIVE,
    trustProxy: config.http.trustedProxies.length > 0 ? [...config.http.trustedProxies] : false,
    return503OnClosing: false,
    logger: false,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => sendProblem(request, reply, toProblem(error)),
    clientErrorHandler: answerBrokenRequest,
  });
  const server = adapter.getInstance() as unknown as FastifyInstance;
  acceptJsonOnly(server);
  server.addHook('onRoute', (route) => {
    if (route.config?.streams) route.handlerTimeout = NO_TIMEOUT;
  });
  server.addHook('onRequest', async (request, reply) => {
    reply.header('traceparent', traceparentFor(request.headers.traceparent));
    // No Postgres text holds a NUL: a parameter with one is nobody's id.
    if (request.url.includes('%00')) throw platformErrors.BAD_REQUEST();
  });
  await server.register(helmet, { contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } } });
  observe(server);
  return adapter;
}

/** Validation is zod's: this keeps Fastify from loading its own compilers, a hundred modules that nothing would use. */
function noSchemas(): never {
  throw new TypeError('a Fastify route schema is not checked here: give a zod schema to @Body, @Query or @Param');
}

/** The name of a route in metrics, logs and traces: never the path, which has ids in it. */
const routeOf = ({ is404, routeOptions }: FastifyRequest): string => (is404 ? 'unknown' : (routeOptions.url ?? 'unknown'));

function observe(server: FastifyInstance): void {
  const seconds = histogram('ballast_http_request_duration_seconds', 'Time to answer an HTTP request', ['method', 'route', 'status']);
  server.addHook('onRequest', async (request) => setHttpRoute(routeOf(request)));
  server.addHook('onResponse', async (request, reply) => {
    if (request.routeOptions.config?.internal) return;
    const route = routeOf(request);
    const status = reply.statusCode;
    if (!request.routeOptions.config?.streams)
      seconds.observe({ method: request.method, route, status: String(status) }, reply.elapsedTime / 1000);
    logger().info({ method: request.method, route, status, ms: Math.round(reply.elapsedTime) }, 'request');
  });
}

/** Not HTTP at all, or never finished: there is no request to answer, only a socket. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const problem =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? platformErrors.REQUEST_TIMEOUT()
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? platformErrors.HEADERS_TOO_LARGE()
        : platformErrors.BAD_REQUEST();
  const traceparent = traceparentFor(undefined);
  const body = JSON.stringify(problemDocument(problem, '', traceIdOf(traceparent)));
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.code}\r\ncontent-type: ${PROBLEM_JSON}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `traceparent: ${traceparent}\r\nconnection: close\r\n\r\n${body}`,
  );
}
