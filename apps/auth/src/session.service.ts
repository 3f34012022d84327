import { Database, type Tx } from '@ballast/database';
import { CONFIG } from '@ballast/service';
import { logger } from '@ballast/tracing';
import { Inject, Injectable } from '@nestjs/common';
import { v4 as uuidv4 } from 'uuid';
import type { AccountEntity } from './account.entity.js';
import { AccountService } from './account.service.js';
import { errors } from './auth.errors.js';
import type { SessionTokens } from './auth.schemas.js';
import type { AuthConfig } from './config.js';
import { hashToken, RefreshSecret } from './refresh-secret.js';
import { RefreshFamily, RefreshToken } from './session.entity.js';
import { ACCESS_TOKEN_SECONDS, SigningKeys } from './signing-keys.js';

const FAMILY_DAYS = 30;
/** How long a spent token gives its successor again: an honest client whose answer was lost asks within seconds. */
const GRACE_SECONDS = 10;
/** A family that ended refuses every token of it, as one that is not there: it is kept for whoever looks into it, ms. */
const ENDED = 24 * 60 * 60_000;
/** Each goes with its tokens, of which a busy client makes thousands in its 30 days. */
const BATCH = 20;

/** Sign-ins: a short access token, and a refresh token that is replaced at each use. */
@Injectable()
export class SessionService {
  private readonly secret: RefreshSecret;

  constructor(
    @Inject(CONFIG) config: AuthConfig,
    @Inject(Database) private readonly database: Database,
    @Inject(AccountService) private readonly accounts: AccountService,
    @Inject(SigningKeys) private readonly keys: SigningKeys,
  ) {
    this.secret = new RefreshSecret(config.keySecret);
    database.retention.add(
      { table: 'refresh_family', since: 'expires_at', keep: 0, batch: BATCH },
      { table: 'refresh_family', since: 'ended_at', keep: ENDED, batch: BATCH },
    );
  }

  async open(account: AccountEntity): Promise<SessionTokens> {
    const token = this.secret.first();
    const familyId = uuidv4();
    await this.database.transaction(async (tx) => {
      await tx.query(`INSERT INTO refresh_family (id, account_id, expires_at) VALUES ($1, $2, now() + make_interval(days => $3))`, [
        familyId,
        account.id,
        FAMILY_DAYS,
      ]);
      await tx.insert(RefreshToken, { hash: hashToken(token), familyId });
    });
    return this.tokens(account, familyId, token);
  }

  /**
   * Spends a refresh token and gives its successor. A spent token gives that same successor again until the successor is used,
   * at most 10 s; after that someone has a copy, and the whole family ends.
   */
  async refresh(token: string): Promise<SessionTokens> {
    const outcome = await this.database.transaction((tx) => this.rotate(tx, token));
    if (outcome === 'refused') throw errors.INVALID_REFRESH_TOKEN();
    return this.tokens(outcome.account, outcome.familyId, outcome.token);
  }

  /** Ends a family. Its access tokens run out by themselves. */
  async close(familyId: string): Promise<void> {
    await this.database.transaction((tx) => end(tx, familyId));
  }

  private async rotate(tx: Tx, token: string): Promise<'refused' | { account: AccountEntity; familyId: string; token: string }> {
    const hash = hashToken(token);
    const found = await tx.findOneBy(RefreshToken, { hash });
    if (!found) return 'refused';
    // One refresh of a family at a time; what the token is now is read after the lock is had.
    const family = await tx.findOneOrFail(RefreshFamily, { where: { id: found.familyId }, lock: { mode: 'pessimistic_write' } });
    const spent = await tx.findOneByOrFail(RefreshToken, { hash });
    if (family.endedAt || family.expiresAt.getTime() <= Date.now()) return 'refused';

    const next = spent.spentAt ? await this.repeat(tx, spent, token) : await this.spend(tx, spent, token);
    if (!next) {
      await end(tx, family.id);
      logger().warn({ familyId: family.id, accountId: family.accountId }, 'a spent refresh token came again: its family has ended');
      return 'refused';
    }
    return { account: await this.accounts.get(family.accountId, tx), familyId: family.id, token: next };
  }

  private async spend(tx: Tx, current: RefreshToken, token: string): Promise<string> {
    const salt = this.secret.salt();
    const next = this.secret.successor(token, salt);
    const successor = hashToken(next);
    await tx.query('UPDATE refresh_token SET spent_at = clock_timestamp(), successor = $2, salt = $3 WHERE hash = $1', [
      current.hash,
      successor,
      salt,
    ]);
    // Using this token proves that the answer with it arrived: its predecessor has nothing more to give.
    await tx.query('UPDATE refresh_token SET salt = NULL WHERE successor = $1', [current.hash]);
    await tx.insert(RefreshToken, { hash: successor, familyId: current.familyId });
    return next;
  }

  private async repeat(tx: Tx, spent: RefreshToken, token: string): Promise<string | undefined> {
    const [{ recent }] = await tx.query<[{ recent: boolean }]>(
      'SELECT clock_timestamp() - $1::timestamptz <= make_interval(secs => $2) AS recent',
      [spent.spentAt, GRACE_SECONDS],
    );
    if (!spent.salt || !recent) return undefined;
    const next = this.secret.successor(token, spent.salt);
    return spent.successor?.equals(hashToken(next)) ? next : undefined;
  }

  private async tokens(account: AccountEntity, familyId: string, refreshToken: string): Promise<SessionTokens> {
    const accessToken = await this.keys.sign(account, familyId);
    return { accessToken, tokenType: 'Bearer', expiresIn: ACCESS_TOKEN_SECONDS, refreshToken };
  }
}

const end = (tx: Tx, familyId: string): Promise<unknown> =>
  tx.query('UPDATE refresh_family SET ended_at = now() WHERE id = $1 AND ended_at IS NULL', [familyId]);
