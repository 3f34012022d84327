import { Account, type AccountClaims, Answers, Open } from '@ballast/service';
import { Body, Controller, Delete, Get, Header, HttpCode, Inject, Ip, Post } from '@nestjs/common';
import type { z } from 'zod';
import { AccountService } from './account.service.js';
import { errors } from './auth.errors.js';
import { accountCreated, accountView, credentials, type Credentials, jwks, refresh, registration, sessionTokens } from './auth.schemas.js';
import { SessionService } from './session.service.js';
import { SigningKeys } from './signing-keys.js';

@Controller('auth')
export class AuthController {
  constructor(
    @Inject(AccountService) private readonly accounts: AccountService,
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(SigningKeys) private readonly keys: SigningKeys,
  ) {}

  @Open()
  @Post('accounts')
  @Answers(201, accountCreated, [errors.EMAIL_TAKEN])
  async register(@Body({ schema: registration }) body: Credentials) {
    const { id, email } = await this.accounts.register(body);
    return { accountId: id, email };
  }

  @Get('accounts/me')
  @Answers(200, accountView, [errors.ACCOUNT_NOT_FOUND])
  async me(@Account() { accountId }: AccountClaims) {
    const { id, email, roles } = await this.accounts.get(accountId);
    return { accountId: id, email, roles };
  }

  @Open()
  @Post('sessions')
  @Header('cache-control', 'no-store')
  @Answers(201, sessionTokens, [errors.INVALID_CREDENTIALS, errors.TOO_MANY_ATTEMPTS])
  async signIn(@Body({ schema: credentials }) body: Credentials, @Ip() address: string) {
    return this.sessions.open(await this.accounts.authenticate(body, address));
  }

  @Open()
  @Post('sessions/refresh')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Answers(200, sessionTokens, [errors.INVALID_REFRESH_TOKEN])
  refresh(@Body({ schema: refresh }) body: z.output<typeof refresh>) {
    return this.sessions.refresh(body.refreshToken);
  }

  @Delete('sessions/current')
  @HttpCode(204)
  @Answers(204)
  async signOut(@Account() { sessionId }: AccountClaims): Promise<void> {
    if (sessionId) await this.sessions.close(sessionId);
  }

  @Open()
  @Get('.well-known/jwks.json')
  @Header('cache-control', 'public, max-age=300')
  @Answers(200, jwks)
  jwks() {
    return this.keys.jwks();
  }
}
