import rateLimit from '@fastify/rate-limit';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { callerOf } from './access.js';
import type { BaseConfig } from './config.js';
import { platformErrors } from './platform.errors.js';
import { CONFIG } from './tokens.js';

const WINDOW = 10_000;
type Check = ReturnType<FastifyInstance['createRateLimit']>;

/**
 * So many requests in 10 seconds per account or, without one, per address. The address is the peer's (of IPv6 its /64);
 * `X-Forwarded-For` counts only from a trusted proxy. Counted per process: behind n replicas a caller may get n times as many.
 */
@Injectable()
export class RateLimiter {
  private byAddress: Check | undefined;
  private byAccount: Check | undefined;

  constructor(@Inject(CONFIG) private readonly config: BaseConfig) {}

  async attach(server: FastifyInstance): Promise<void> {
    const max = this.config.http.rateLimit;
    if (max === 0) return;
    await server.register(rateLimit, { global: false });
    this.byAddress = server.createRateLimit({ max, timeWindow: WINDOW });
    this.byAccount = server.createRateLimit({ max, timeWindow: WINDOW, keyGenerator: (request) => callerOf(request)?.accountId ?? '' });
  }

  /** Counts one request; throws 429 with `Retry-After` when it is one too many. */
  async take(request: FastifyRequest): Promise<void> {
    const result = await (callerOf(request) ? this.byAccount : this.byAddress)?.(request);
    if (result && !result.isAllowed && result.isExceeded) throw platformErrors.TOO_MANY_REQUESTS().retryAfter(result.ttlInSeconds);
  }
}
