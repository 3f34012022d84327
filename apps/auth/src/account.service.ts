import { Database, isUniqueViolation, type Tx } from '@ballast/database';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { AccountEntity } from './account.entity.js';
import { errors } from './auth.errors.js';
import type { Credentials } from './auth.schemas.js';
import { LoginThrottle } from './login-throttle.js';
import { hashPassword, verifyPassword } from './passwords.js';

@Injectable()
export class AccountService {
  private readonly throttle = new LoginThrottle();

  constructor(@Inject(Database) private readonly database: Database) {}

  /** Makes an account. `AUTH_EMAIL_TAKEN` when the address has one, however many ask at once. */
  async register({ email, password }: Credentials, roles: readonly string[] = []): Promise<AccountEntity> {
    if (await this.find(email)) throw errors.EMAIL_TAKEN();
    const passwordHash = await hashPassword(password);
    const account = { id: uuidv7(), email, passwordHash, roles: [...roles] };
    try {
      return await this.database.transaction((tx) => tx.save(AccountEntity, account));
    } catch (error) {
      if (isUniqueViolation(error, 'account_email')) throw errors.EMAIL_TAKEN();
      throw error;
    }
  }

  /** The account of these credentials; otherwise `AUTH_INVALID_CREDENTIALS`, after the same time whether or not the account exists. */
  async authenticate({ email, password }: Credentials, address: string): Promise<AccountEntity> {
    this.throttle.attempt(email, address);
    const { account, matches } = await this.compare(email, password).catch((error: unknown) => {
      this.throttle.undecided(email, address);
      throw error;
    });
    if (!account || !matches) throw errors.INVALID_CREDENTIALS();
    this.throttle.succeeded(email, address);
    return account;
  }

  private async compare(email: string, password: string): Promise<{ account: AccountEntity | null; matches: boolean }> {
    const account = await this.find(email);
    return { account, matches: await verifyPassword(account?.passwordHash, password) };
  }

  async get(id: string, tx?: Tx): Promise<AccountEntity> {
    const account = await (tx ?? this.database.primary).findOneBy(AccountEntity, { id });
    if (!account) throw errors.ACCOUNT_NOT_FOUND();
    return account;
  }

  find(email: string): Promise<AccountEntity | null> {
    return this.database.primary.findOneBy(AccountEntity, { email });
  }
}
