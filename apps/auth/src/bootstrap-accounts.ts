import { readFile } from 'node:fs/promises';
import { CONFIG, ProblemError, Startup } from '@ballast/service';
import { logger } from '@ballast/tracing';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { AccountService } from './account.service.js';
import { registration } from './auth.schemas.js';
import type { AuthConfig } from './config.js';

const file = z.object({ accounts: z.array(registration.extend({ roles: z.array(z.string().min(1).max(64)).default([]) })) });

/** Makes the accounts of `AUTH_BOOTSTRAP_FILE` that do not exist yet: how the first merchant comes to be. Those that exist are left as they are. */
@Injectable()
export class BootstrapAccounts implements OnModuleInit {
  constructor(
    @Inject(CONFIG) private readonly config: AuthConfig,
    @Inject(Startup) private readonly startup: Startup,
    @Inject(AccountService) private readonly accounts: AccountService,
  ) {}

  onModuleInit(): void {
    const path = this.config.bootstrapFile;
    if (path) this.startup.add('bootstrap accounts', () => this.load(path));
  }

  private async load(path: string): Promise<void> {
    for (const { roles, ...credentials } of await read(path)) {
      try {
        const account = await this.accounts.register(credentials, roles);
        logger().info({ accountId: account.id, roles }, 'made a bootstrap account');
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
      }
    }
  }
}

/** A message of what is wrong with it, never of what is in it: it holds passwords. */
async function read(path: string) {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'it is not JSON';
    throw new Error(`AUTH_BOOTSTRAP_FILE cannot be read: ${reason}`);
  }
  const result = file.safeParse(content);
  if (result.success) return result.data.accounts;
  throw new Error(`AUTH_BOOTSTRAP_FILE is wrong: ${result.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ')}`);
}
