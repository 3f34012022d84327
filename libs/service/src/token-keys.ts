import { Database } from '@ballast/database';
import { logger } from '@ballast/tracing';
import { Inject, Injectable, type OnModuleDestroy, Optional } from '@nestjs/common';
import { type CryptoKey, importJWK, type JSONWebKeySet, type JWK } from 'jose';
import { z } from 'zod';
import type { BaseConfig } from './config.js';
import { signingKey } from './http-call.js';
import { platformErrors } from './platform.errors.js';
import { CONFIG } from './tokens.js';

const REFRESH_EVERY = 5 * 60_000;
/** After a failure it is asked again soon, for services start together and auth may be the last; then ever less often. */
const FIRST_RETRY = 250;
const LAST_RETRY = 5_000;
const FETCH_TIMEOUT = 2_000;
/** How often an unknown `kid` may make us ask again: anyone can invent one. */
const COOL_DOWN = 10_000;
/** The same while there is no key at all: then every request would wait for auth. */
const COOL_DOWN_WITHOUT_KEYS = 1_000;
/** A cached set older than this is no longer believed: a key that was withdrawn must not live on for ever. */
const MAX_AGE = 24 * 60 * 60_000;
const MAX_KEYS = 32;

const keySet = z.object({
  keys: z
    .array(z.looseObject({ kty: z.string(), kid: z.string().min(1).optional(), crv: z.string().optional(), x: z.string().optional() }))
    .max(MAX_KEYS),
});

/**
 * The public keys that check access tokens. Fetched from auth in the background and kept in the service's own database, so
 * that a service can start, and go on, while auth is away. Only the address of the configuration is ever asked.
 */
@Injectable()
export class TokenKeys implements OnModuleDestroy {
  private keys = new Map<string, CryptoKey>();
  private fetchedAt = 0;
  private attemptedAt = 0;
  private failures = 0;
  private refreshing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private firstLook = 0;
  private source: () => Promise<unknown> = () => this.download();

  constructor(
    @Inject(CONFIG) private readonly config: BaseConfig,
    @Optional() @Inject(Database) private readonly database?: Database,
  ) {}

  /** Takes the keys from here instead of by HTTP: for the service that issues the tokens, which calls `refresh` when it has them. */
  use(source: () => Promise<JSONWebKeySet>): void {
    this.source = source;
    this.firstLook = REFRESH_EVERY;
  }

  /** Whether auth gave its keys when it was last asked. */
  get available(): boolean {
    return this.failures === 0;
  }

  /** Looks for the keys from now on. */
  start(): void {
    void this.restore();
    this.schedule(this.firstLook);
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** The key named so, or `undefined` when auth has none of that name. Throws 503 when that cannot be known. */
  async find(kid: string): Promise<CryptoKey | undefined> {
    if (this.fresh && this.keys.has(kid)) return this.keys.get(kid);
    if (this.refreshing || Date.now() - this.attemptedAt >= (this.fresh ? COOL_DOWN : COOL_DOWN_WITHOUT_KEYS)) await this.refresh();
    const key = this.fresh ? this.keys.get(kid) : undefined;
    if (!key && !this.available) throw platformErrors.TOKEN_KEYS_UNAVAILABLE().retryAfter(LAST_RETRY / 1000);
    return key;
  }

  private get fresh(): boolean {
    return Date.now() - this.fetchedAt < MAX_AGE;
  }

  /** One request at a time, however many wait for it. */
  refresh(): Promise<void> {
    this.refreshing ??= this.load().finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  private async load(): Promise<void> {
    this.attemptedAt = Date.now();
    try {
      const set = keySet.parse(await this.source());
      await this.adopt(set as JSONWebKeySet, Date.now());
      if (!this.available) logger().info('the keys of auth are there again');
      this.failures = 0;
      void this.store(set);
    } catch (error) {
      if (this.available) logger().warn({ err: error }, 'the keys of auth cannot be fetched; the cached ones are used');
      this.failures++;
    }
  }

  private async download(): Promise<unknown> {
    const response = await fetch(this.config.auth.jwksUrl, {
      signal: AbortSignal.timeout(FETCH_TIMEOUT),
      headers: { accept: 'application/json' },
      redirect: 'error',
    });
    if (!response.ok) throw new Error(`the key set answered ${response.status}`);
    return response.json();
  }

  private async adopt(set: JSONWebKeySet, fetchedAt: number): Promise<void> {
    const keys = await Promise.all(
      set.keys.filter(isSigningKey).map(async (jwk) => [jwk.kid, (await importJWK(publicPart(jwk), 'EdDSA')) as CryptoKey] as const),
    );
    this.keys = new Map(keys);
    this.fetchedAt = fetchedAt;
  }

  private schedule(delay: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      void this.refresh().then(() => this.schedule(this.available ? REFRESH_EVERY : retryDelay(this.failures)));
    }, delay).unref();
  }

  private async restore(): Promise<void> {
    if (!this.database) return;
    try {
      await this.database.ready;
      const rows = await this.database.primary.query<{ keys: unknown; fetched_at: Date }[]>('SELECT keys, fetched_at FROM jwks_cache');
      const row = rows[0];
      if (row && this.fetchedAt === 0) await this.adopt(keySet.parse(row.keys) as JSONWebKeySet, row.fetched_at.getTime());
    } catch (error) {
      if (!this.stopped) logger().warn({ err: error }, 'the cached keys of auth cannot be read');
    }
  }

  private async store(set: unknown): Promise<void> {
    if (!this.database) return;
    try {
      await this.database.ready;
      await this.database.transaction((tx) =>
        tx.query(
          `INSERT INTO jwks_cache (id, keys, fetched_at) VALUES (true, $1, now())
           ON CONFLICT (id) DO UPDATE SET keys = excluded.keys, fetched_at = excluded.fetched_at`,
          [JSON.stringify(set)],
        ),
      );
    } catch (error) {
      if (!this.stopped) logger().debug({ err: error }, 'the keys of auth could not be cached');
    }
  }
}

const retryDelay = (failures: number): number => Math.min(LAST_RETRY, FIRST_RETRY * 2 ** (failures - 1));
const isSigningKey = (jwk: JWK): jwk is JWK & { kid: string } => signingKey.safeParse(jwk).success;
const publicPart = ({ kty, crv, x }: JWK): JWK => ({ kty: kty!, crv: crv!, x: x! });
