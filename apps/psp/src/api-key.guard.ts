import { createHash, timingSafeEqual } from 'node:crypto';
import { CONFIG } from '@ballast/service';
import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Config } from './config.js';
import { errors } from './psp.errors.js';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Lets in who knows the merchant's API key. Compared by digest, so that the time taken says nothing of it. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  private readonly expected: Buffer;

  constructor(@Inject(CONFIG) config: Config) {
    this.expected = digest(config.apiKey);
  }

  canActivate(context: ExecutionContext): boolean {
    const given = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>().headers['x-api-key'];
    if (!given || !timingSafeEqual(digest(given), this.expected)) throw errors.API_KEY_REQUIRED();
    return true;
  }
}
