import { Database, type Tx } from '@ballast/database';
import { CONFIG, Startup, TokenKeys } from '@ballast/service';
import { logger } from '@ballast/tracing';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import {
  CompactEncrypt,
  compactDecrypt,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  SignJWT,
} from 'jose';
import { v4 as uuidv4 } from 'uuid';
import type { AccountEntity } from './account.entity.js';
import type { AuthConfig } from './config.js';
import { SigningKey } from './signing-key.entity.js';

export const ACCESS_TOKEN_SECONDS = 600;
/** A new key is published this long before it signs, so that every service has it by then. */
const NOTICE_SECONDS = 15 * 60;
/** An old key stays published for a token's life and a little, in case clocks differ. */
const OVERLAP_SECONDS = ACCESS_TOKEN_SECONDS + 60;
const RELOAD_EVERY = 60_000;
const LOCK = `hashtextextended('auth signing keys', 0)`;

interface Keys {
  signer: { kid: string; key: CryptoKey };
  published: JSONWebKeySet;
}

/** The keys that sign access tokens: Ed25519, made on first start, replaced with overlap, private parts sealed in the database. */
@Injectable()
export class SigningKeys implements OnModuleInit, OnModuleDestroy {
  private readonly secret: Uint8Array;
  private keys: Keys | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: AuthConfig,
    @Inject(Database) private readonly database: Database,
    @Inject(Startup) private readonly startup: Startup,
    @Inject(TokenKeys) private readonly tokenKeys: TokenKeys,
  ) {
    this.secret = Buffer.from(config.keySecret, 'base64');
  }

  onModuleInit(): void {
    this.tokenKeys.use(() => this.jwks());
    this.startup.add('signing keys', () => this.renew());
    this.timer = setInterval(() => {
      this.renew().catch((error: unknown) => logger().warn({ err: error }, 'the signing keys could not be read again'));
    }, RELOAD_EVERY).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** An access token for this account, made in this session. */
  async sign(account: AccountEntity, sessionId: string): Promise<string> {
    const { kid, key } = (await this.current()).signer;
    return new SignJWT({ roles: account.roles, sid: sessionId })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
      .setSubject(account.id)
      .setIssuer(this.config.auth.issuer)
      .setAudience(this.config.auth.audience)
      .setIssuedAt()
      .setExpirationTime(`${ACCESS_TOKEN_SECONDS}s`)
      .setJti(uuidv4())
      .sign(key);
  }

  /** The public parts of every key that a valid token may be signed with, or soon will be. */
  async jwks(): Promise<JSONWebKeySet> {
    return (await this.current()).published;
  }

  /** This service checks tokens too: it takes its own keys as they are now. */
  private async renew(): Promise<void> {
    await this.reload();
    await this.tokenKeys.refresh();
  }

  /** Reads the keys again, and makes a new one when there is none or the newest is due. */
  async reload(): Promise<void> {
    const { published, signer } = await this.database.transaction(async (tx) => {
      await tx.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
      const due = await tx.query<unknown[]>(
        `SELECT 1 FROM signing_key WHERE published_until IS NULL AND signs_from > now() - make_interval(days => $1)`,
        [this.config.keyLifetimeDays],
      );
      if (due.length === 0) await this.add(tx);
      await tx.query('DELETE FROM signing_key WHERE published_until <= now()');
      const [{ now }] = await tx.query<[{ now: Date }]>('SELECT now()');
      const published = await tx.find(SigningKey, { order: { signsFrom: 'DESC' } });
      return { published, signer: published.find((key) => key.signsFrom <= now) };
    });
    if (!signer) throw new Error('no signing key is active');
    const key = signer.kid === this.keys?.signer.kid ? this.keys.signer.key : await this.unseal(signer.sealedPrivate);
    this.keys = { signer: { kid: signer.kid, key }, published: { keys: published.map((key) => key.publicJwk) } };
  }

  /** Makes the next key at once. The one before signs until the new one is known everywhere. */
  async rotate(): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
      await this.add(tx);
    });
    await this.reload();
  }

  private async add(tx: Tx): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const kid = uuidv4();
    const publicJwk = { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'EdDSA' };
    const sealed = await this.seal(await exportJWK(privateKey));
    const [{ first }] = await tx.query<[{ first: boolean }]>('SELECT NOT EXISTS (SELECT 1 FROM signing_key) AS first');
    const notice = first ? 0 : NOTICE_SECONDS;
    await tx.query(`UPDATE signing_key SET published_until = now() + make_interval(secs => $1) WHERE published_until IS NULL`, [
      notice + OVERLAP_SECONDS,
    ]);
    await tx.query(
      `INSERT INTO signing_key (kid, public_jwk, sealed_private, signs_from) VALUES ($1, $2, $3, now() + make_interval(secs => $4))`,
      [kid, JSON.stringify(publicJwk), sealed, notice],
    );
    logger().info({ kid, signsIn: notice }, 'a new signing key');
  }

  private seal(jwk: JWK): Promise<string> {
    return new CompactEncrypt(Buffer.from(JSON.stringify(jwk))).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(this.secret);
  }

  private async unseal(sealed: string): Promise<CryptoKey> {
    const { plaintext } = await compactDecrypt(sealed, this.secret, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    }).catch((error: unknown) =>
      Promise.reject(new Error('AUTH_KEY_SECRET does not open the signing key in the database', { cause: error })),
    );
    return (await importJWK(JSON.parse(Buffer.from(plaintext).toString()) as JWK, 'EdDSA')) as CryptoKey;
  }

  private async current(): Promise<Keys> {
    if (!this.keys) await this.reload();
    return this.keys!;
  }
}
