import type { ServiceParts } from '@ballast/service';
import { Module } from '@nestjs/common';
import { AccountEntity } from './account.entity.js';
import { AccountService } from './account.service.js';
import { AuthController } from './auth.controller.js';
import { BootstrapAccounts } from './bootstrap-accounts.js';
import { AccountsSessionsKeys1700000010000 } from './migrations/1700000010000-accounts-sessions-keys.js';
import { EndedFamilies1700000010010 } from './migrations/1700000010010-ended-families.js';
import { RefreshFamily, RefreshToken } from './session.entity.js';
import { SessionService } from './session.service.js';
import { SigningKey } from './signing-key.entity.js';
import { SigningKeys } from './signing-keys.js';

@Module({
  controllers: [AuthController],
  providers: [AccountService, SessionService, SigningKeys, BootstrapAccounts],
})
export class AuthModule {}

export const authParts: ServiceParts = {
  entities: [AccountEntity, RefreshFamily, RefreshToken, SigningKey],
  migrations: [AccountsSessionsKeys1700000010000, EndedFamilies1700000010010],
};
