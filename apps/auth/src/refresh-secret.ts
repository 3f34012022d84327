import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** What refresh tokens are made of: 256 random bits at first, every successor derived from the token it follows. */
export class RefreshSecret {
  private readonly key: Buffer;

  /** @param secret `AUTH_KEY_SECRET`; a key of its own is derived, so that one use of the secret says nothing of the other */
  constructor(secret: string) {
    this.key = Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'base64'), '', 'refresh token successor', 32));
  }

  first(): string {
    return randomBytes(32).toString('base64url');
  }

  salt(): Buffer {
    return randomBytes(16);
  }

  /** The same for the same token and salt; without the salt (it is erased) or the key nobody can tell it. */
  successor(token: string, salt: Buffer): string {
    return createHmac('sha256', this.key).update(salt).update(token).digest('base64url');
  }
}

export const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest();
