import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { catchError, from, mergeMap, type Observable } from 'rxjs';
import { Audit } from './audit.js';
import { OPS } from './ops-names.js';

/** Around every handler of an `@OpsController()`: a write leaves its row whatever comes of it, input that does not fit included. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    @Inject(Audit) private readonly audit: Audit,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (request.method === 'GET' || request.method === 'HEAD') return next.handle();
    const what = `${this.reflector.get<string>(OPS, context.getClass())}.${context.getHandler().name}`;
    const write = this.audit.begin(request, what);
    return next.handle().pipe(
      catchError((error: unknown) =>
        from(write.failed(error)).pipe(
          mergeMap(() => {
            throw error;
          }),
        ),
      ),
      mergeMap((answer: unknown) => from(write.answered().then(() => answer))),
    );
  }
}
