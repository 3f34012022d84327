import { randomBytes } from 'node:crypto';

/** A name nothing else has: letters, digits and `_`, so that it can name a database, a topic or a consumer group. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(5).toString('hex')}`;
}

/** A random secret, safe in a URL, in SQL and in a connection string. */
export function randomSecret(bytes = 18): string {
  return randomBytes(bytes).toString('base64url');
}
