import { logger } from '@ballast/tracing';
import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { platformErrors } from './platform.errors.js';
import { problemDocument, type ProblemError } from './problem.js';
import { toProblem } from './problem-mapping.js';
import { Routes } from './routes.js';
import { traceIdOf, traceparentFor } from './trace-header.js';

export const PROBLEM_JSON = 'application/problem+json; charset=utf-8';

/** Every error of every route, of Nest's and of Fastify's own, leaves here as problem+json. */
@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(Routes) private readonly routes: Routes) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent || reply.raw.headersSent) {
      // A stream that broke midway: the status is out, so all that is left to say is that the body is not complete.
      logger().error({ err: error }, 'failed after the answer had begun');
      reply.raw.destroy();
      return;
    }
    const problem = request.is404 ? this.unrouted(request) : toProblem(error);
    if (problem.status === 500) logger().error({ err: error }, 'a request failed');
    else if (problem.status > 500) logger().warn({ code: problem.code, reason: String(error) }, 'a request was refused');
    sendProblem(request, reply, problem);
  }

  private unrouted(request: FastifyRequest): ProblemError {
    const allowed = this.routes.methodsAt(pathOf(request));
    if (allowed.length === 0) return platformErrors.ROUTE_NOT_FOUND();
    return platformErrors.METHOD_NOT_ALLOWED().header('allow', allowed.join(', '));
  }
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: ProblemError): void {
  const traceparent = String(reply.getHeader('traceparent') ?? traceparentFor(request.headers?.traceparent));
  void reply
    .code(problem.status)
    .headers({ ...problem.headers, traceparent })
    .type(PROBLEM_JSON)
    .serializer(JSON.stringify)
    .send(problemDocument(problem, pathOf(request), traceIdOf(traceparent)));
}

/** Without its query, which may hold what belongs in no log. */
const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0]!;
