import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Database, requireTransaction, type Tx } from '@ballast/database';
import { failpoint } from '@ballast/resilience';
import { createParamDecorator, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { callerOf } from './access.js';
import { Answer } from './answer.js';
import { RequiresHeader } from './answers.js';
import type { BaseConfig } from './config.js';
import { platformErrors } from './platform.errors.js';
import { IDEMPOTENCY_STORE, sqlIdempotencyStore, type IdempotencyStore } from './idempotency.store.js';
import { CONFIG } from './tokens.js';

const DAY = 86_400_000;
/** Headers that belong to the answer and are given again with it. */
const KEPT_HEADERS = ['location'];

/** One request as its key sees it. Of key and body only hashes are kept. */
export interface IdempotentRequest {
  /** SHA-256 of account, method, full path and key: the same key elsewhere is another key. */
  readonly scope: Buffer;
  /** SHA-256 of the body, whatever its layout. */
  readonly bodyHash: Buffer;
}

/** What a handler answers: a 2xx status, since only an answer that changed something is kept. */
export interface Effect<T> {
  status: 200 | 201 | 202 | 204;
  body: T;
  headers?: Record<string, string>;
}

const keyFormat = z.string().regex(/^[\x21-\x7e]{1,255}$/);
const { IDEMPOTENCY_KEY_REQUIRED, IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_REUSED } = platformErrors;
const problems = [IDEMPOTENCY_KEY_REQUIRED, IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_REUSED];

/** The request's `Idempotency-Key` with its scope. Without one: 400. */
export const IdempotencyKey = createParamDecorator(readKey, [RequiresHeader('Idempotency-Key', keyFormat, problems)]);

function readKey(_: unknown, context: ExecutionContext): IdempotentRequest {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const key = request.headers['idempotency-key'];
  if (key === undefined || key === '') throw platformErrors.IDEMPOTENCY_KEY_REQUIRED();
  if (!keyFormat.safeParse(key).success) throw platformErrors.IDEMPOTENCY_KEY_INVALID();
  const account = callerOf(request);
  if (!account) throw new Error('@IdempotencyKey() on a route that is @Open(): a key is scoped to its account');
  const scope = hash([account.accountId, request.method, request.url, key].join('\n'));
  enter(scope.toString('hex'), context.switchToHttp().getResponse<FastifyReply>().raw);
  return { scope, bodyHash: hash(canonical(request.body)) };
}

const atWork = new Set<string>();

/** Of a thousand requests with one key at once, all but one are answered before they take a connection of the database from others. */
function enter(scope: string, answer: ServerResponse): void {
  if (atWork.has(scope)) throw platformErrors.IDEMPOTENCY_KEY_IN_USE().retryAfter(1);
  atWork.add(scope);
  // Written out, or broken off. The first comes before the caller can have read it and asks again.
  for (const over of ['finish', 'close']) answer.once(over, () => atWork.delete(scope));
}

/**
 * Idempotency keys. The claim, the effect and the kept answer are one transaction: of any number of requests with one key
 * exactly one takes effect; a 4xx, a 5xx or a crash leaves the key free.
 */
@Injectable()
export class Idempotency {
  /** Milliseconds. */
  private readonly keep: number;

  constructor(
    @Inject(CONFIG) { retention }: BaseConfig,
    @Optional() @Inject(Database) database?: Database,
    @Optional() @Inject(IDEMPOTENCY_STORE) private readonly store: IdempotencyStore = sqlIdempotencyStore,
  ) {
    this.keep = retention?.idempotency ?? DAY;
    database?.retention.add({ table: 'idempotency_key', since: 'expires_at', keep: 0 });
  }

  /**
   * Runs `work` once per key, in the caller's transaction. Throws 409 `IDEMPOTENCY_KEY_IN_USE` while another request with the
   * key runs, and 422 `IDEMPOTENCY_KEY_REUSED` when the key came with another body. Let what `work` throws pass, so that the
   * transaction rolls back. Kept for 24 hours, unless `IDEMPOTENCY_RETENTION` says otherwise.
   */
  async run<T>(tx: Tx, request: IdempotentRequest, work: () => Promise<Effect<T>>): Promise<Answer<T>> {
    requireTransaction(tx);
    const { scope, bodyHash } = request;
    if (!(await this.store.tryLock(tx, scope))) throw platformErrors.IDEMPOTENCY_KEY_IN_USE().retryAfter(1);

    const kept = await this.store.find(tx, scope);
    if (kept) {
      if (!kept.bodyHash.equals(bodyHash)) throw platformErrors.IDEMPOTENCY_KEY_REUSED();
      return new Answer(kept.status, kept.body as T, kept.headers);
    }

    const effect = await work();
    const headers = Object.fromEntries(Object.entries(effect.headers ?? {}).filter(([name]) => KEPT_HEADERS.includes(name.toLowerCase())));
    await this.store.keep(tx, scope, { bodyHash, status: effect.status, body: effect.body ?? null, headers }, this.keep);
    failpoint('idempotency.kept');
    return new Answer(effect.status, effect.body, effect.headers);
  }
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

/** JSON with its keys in order: the same request in another layout is the same request. */
function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
