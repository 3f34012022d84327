import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Who is calling, as a checked access token says. */
export interface AccountClaims {
  readonly accountId: string;
  readonly roles: readonly string[];
  /** When the token runs out. */
  readonly expiresAt: Date;
  /** The session the token was made in, where its issuer says so. */
  readonly sessionId?: string;
}

export const OPEN = 'ballast:open';
export const ROLES = 'ballast:roles';
const callers = new WeakMap<FastifyRequest, AccountClaims>();

/** No access token is asked for. One that is sent is not looked at. */
export const Open = () => SetMetadata(OPEN, true);

/** Only for accounts that have one of these roles; everyone else gets 403. */
export const Roles = (...roles: [string, ...string[]]) => SetMetadata(ROLES, roles);

/** The caller, as `AccountClaims`. Not for `@Open()` routes: there is none. */
export const Account = createParamDecorator((_: unknown, context: ExecutionContext): AccountClaims => {
  const claims = callerOf(context.switchToHttp().getRequest<FastifyRequest>());
  if (!claims) throw new Error('@Account() on a route that is @Open()');
  return claims;
});

export const callerOf = (request: FastifyRequest): AccountClaims | undefined => callers.get(request);
export const setCaller = (request: FastifyRequest, claims: AccountClaims): void => void callers.set(request, claims);
