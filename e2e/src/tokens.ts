import {
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { platform } from './platform.js';

type Json = Record<string, unknown>;
const encode = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part: string | undefined): Json => JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Json;

/**
 * Makes tokens that auth would never give, with the key that auth signs with: a test that forges with another key sees only the
 * signature refused, whatever else is wrong with the token.
 */
export class Forger {
  private constructor(
    private readonly key: KeyObject,
    private readonly header: Json,
    private readonly claims: Json,
  ) {}

  /** Starts from a token that is good. */
  static async of(token: string): Promise<Forger> {
    const [header, claims] = token.split('.').map((part, i) => (i < 2 ? decode(part) : {}));
    return new Forger(await signingKey(String(header!['kid'])), header!, claims!);
  }

  /** The good token with these members changed (`undefined` takes one out). */
  token(claims: Json = {}, header: Json = {}, key = this.key): string {
    const text = `${encode({ ...this.header, ...header })}.${encode({ ...this.claims, ...claims })}`;
    return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
  }

  /** Of another key that claims to be ours, or says itself where it is to be found. */
  withOtherKey(header: Json = {}): string {
    return this.token({}, header, generateKeyPairSync('ed25519').privateKey);
  }

  unsigned(alg: string): string {
    return `${encode({ ...this.header, alg })}.${encode(this.claims)}.`;
  }

  /** Algorithm confusion: our public key, which everyone has, taken for a shared secret. */
  withPublicKeyAsSecret(form: 'pem' | 'raw'): string {
    const key = createPublicKey(this.key);
    const secret =
      form === 'pem' ? key.export({ type: 'spki', format: 'pem' }) : Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url');
    const text = `${encode({ ...this.header, alg: 'HS256' })}.${encode(this.claims)}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  }
}

/** Auth's own private key: sealed in its database (JWE, `dir`, A256GCM) under the secret the platform made for it. */
async function signingKey(kid: string): Promise<KeyObject> {
  const { home } = platform();
  const read = (file: string) => JSON.parse(readFileSync(join(home, file), 'utf8'));
  const { authKeySecret, authDatabasePassword: password } = read('secrets.json');
  const [{ host, port }] = read('run.json').postgres.nodes;
  const client = new Client({ host, port, database: 'auth', user: 'auth', password });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT sealed_private FROM signing_key WHERE kid = $1', [kid]);
    const [protectedHeader, , iv, text, tag] = String(rows[0].sealed_private).split('.') as [string, string, string, string, string];
    const decipher = createDecipheriv('aes-256-gcm', Buffer.from(authKeySecret, 'base64'), Buffer.from(iv, 'base64url'));
    decipher.setAAD(Buffer.from(protectedHeader)).setAuthTag(Buffer.from(tag, 'base64url'));
    const jwk = Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]).toString();
    return createPrivateKey({ key: JSON.parse(jwk) as JsonWebKey, format: 'jwk' });
  } finally {
    await client.end();
  }
}
