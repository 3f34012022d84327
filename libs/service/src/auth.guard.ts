import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { errors as jose, jwtVerify } from 'jose';
import { z } from 'zod';
import { type AccountClaims, callerOf, OPEN, ROLES, setCaller } from './access.js';
import type { BaseConfig } from './config.js';
import { platformErrors } from './platform.errors.js';
import { RateLimiter } from './rate-limit.js';
import { TokenKeys } from './token-keys.js';
import { CONFIG } from './tokens.js';

const CLOCK_TOLERANCE = '5s';
const MAX_TOKEN = 4096;
const claims = z.object({
  sub: z.uuid(),
  roles: z.array(z.string().max(64)).max(32).default([]),
  sid: z.uuid().optional(),
  exp: z.number(),
});

/**
 * Every route asks for a bearer token unless it is `@Open()`: EdDSA only, type `at+jwt`, our issuer and audience, not expired.
 * The key is looked up by `kid` among auth's own; what a token says about where its key is (`jku`, `x5u`, `jwk`) is not read.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(TokenKeys) private readonly keys: TokenKeys,
    @Inject(RateLimiter) private readonly limiter: RateLimiter,
    @Inject(CONFIG) private readonly config: BaseConfig,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const targets = [context.getHandler(), context.getClass()];
    if (!this.reflector.getAllAndOverride<boolean>(OPEN, targets)) {
      setCaller(request, await this.authenticate(request));
    }
    await this.limiter.take(request);
    const roles = this.reflector.getAllAndOverride<string[]>(ROLES, targets);
    if (roles && !roles.some((role) => callerOf(request)?.roles.includes(role))) throw platformErrors.FORBIDDEN();
    return true;
  }

  private async authenticate(request: FastifyRequest): Promise<AccountClaims> {
    try {
      return await this.verify(request.headers.authorization);
    } catch (error) {
      if (!(error instanceof jose.JOSEError) && !(error instanceof z.ZodError)) throw error;
      // A wrong token counts against the address it came from, so that guessing is not free.
      await this.limiter.take(request);
      const reason = request.headers.authorization ? ', error="invalid_token"' : '';
      throw platformErrors.UNAUTHENTICATED().header('www-authenticate', `Bearer realm="${this.config.auth.audience}"${reason}`);
    }
  }

  private async verify(header: string | undefined): Promise<AccountClaims> {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header ?? '')?.[1];
    if (!token || token.length > MAX_TOKEN) throw new jose.JWTInvalid('no bearer token');
    const { payload } = await jwtVerify(
      token,
      async ({ kid }) => {
        const key = kid ? await this.keys.find(kid) : undefined;
        if (!key) throw new jose.JWKSNoMatchingKey();
        return key;
      },
      {
        algorithms: ['EdDSA'],
        typ: 'at+jwt',
        issuer: this.config.auth.issuer,
        audience: this.config.auth.audience,
        clockTolerance: CLOCK_TOLERANCE,
        requiredClaims: ['sub', 'exp', 'iat'],
      },
    );
    const { sub, roles, sid, exp } = claims.parse(payload);
    return { accountId: sub, roles, expiresAt: new Date(exp * 1000), ...(sid && { sessionId: sid }) };
  }
}
