import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type Dispatcher, Pool } from 'undici';

/** A target that refused, broke off or said that it goes is left alone this long, ms, while there is another. */
const REST = 1_000;
/** The HTTP contract's. What is larger, or does not say how large it is, is not kept for a second try. */
const KEPT_BODY = 100 * 1024;

interface Target {
  readonly url: URL;
  readonly pool: Pool;
  restsUntil: number;
}

type Request = Dispatcher.RequestOptions & { headers: Record<string, string | undefined> };
type Callback = (error: Error | null, response: Dispatcher.ResponseData | null) => void;

/**
 * The instances of one service. Requests go to them in turn. One that fails is repeated on another instance only where that is safe:
 * it was never sent, its method is idempotent, or it carries an `Idempotency-Key`. Of a single instance nothing is asked twice.
 */
export class Targets {
  private targets: readonly Target[] = [];
  private turn = 0;

  /** `headersTimeout`, ms: until an instance must have begun to answer. */
  constructor(
    urls: readonly string[],
    private readonly headersTimeout: number,
  ) {
    this.set(urls);
  }

  /** From now on requests go to these; what is at work elsewhere ends there. */
  set(urls: readonly string[]): void {
    const known = new Map(this.targets.map((target) => [target.url.origin, target]));
    this.targets = urls.map((text) => {
      const url = new URL(text);
      return known.get(url.origin) ?? { url, pool: this.poolOf(url), restsUntil: 0 };
    });
    for (const target of known.values()) if (!this.targets.includes(target)) void target.pool.close();
  }

  async close(): Promise<void> {
    await Promise.all(this.targets.map(({ pool }) => pool.destroy()));
  }

  /** What `@fastify/reply-from` asks of an undici dispatcher. */
  request(options: Request, callback: Callback): void {
    this.send(options).then(
      (response) => callback(null, response),
      (error: Error) => callback(error, null),
    );
  }

  private async send(options: Request): Promise<Dispatcher.ResponseData> {
    const candidates = this.inTurn();
    const { repeatable, body } = candidates.length > 1 ? await kept(options) : { repeatable: false, body: options.body };
    for (let at = 0; ; at++) {
      const target = candidates[at]!;
      try {
        const response = await target.pool.request({
          ...options,
          body: body ?? null,
          origin: target.url.origin,
          headers: { ...options.headers, host: target.url.host },
        });
        if (response.headers['connection'] === 'close') target.restsUntil = performance.now() + REST;
        return response;
      } catch (error) {
        if (!neverSent(error) && !brokenOff(error)) throw error;
        target.restsUntil = performance.now() + REST;
        const again = repeatable && (neverSent(error) || mayRepeat(options));
        if (!again || at + 1 === candidates.length) throw error;
      }
    }
  }

  /** The next one first, and those that rest last. */
  private inTurn(): Target[] {
    const { targets } = this;
    const first = targets.length > 1 ? this.turn++ % targets.length : 0;
    const rotated = [...targets.slice(first), ...targets.slice(0, first)];
    const now = performance.now();
    return [...rotated.filter(({ restsUntil }) => restsUntil <= now), ...rotated.filter(({ restsUntil }) => restsUntil > now)];
  }

  /**
   * A stream may be silent for long, and holds a connection while it is open, so there must be many. An idle one is closed here sooner
   * than by a service that stops, whatever that service says of its own patience: so no request meets a connection that is being closed.
   */
  private poolOf(url: URL): Pool {
    const { headersTimeout } = this;
    return new Pool(url, {
      ...{ connections: 4_096, pipelining: 1, keepAliveTimeout: 4_000, keepAliveMaxTimeout: 4_000, headersTimeout, bodyTimeout: 0 },
    });
  }
}

/** The body in a form that can be sent twice, where it can be had. */
async function kept({ body, headers }: Request): Promise<{ repeatable: boolean; body: Request['body'] }> {
  if (!body || typeof body === 'string' || Buffer.isBuffer(body)) return { repeatable: true, body };
  const length = Number(headers['content-length'] ?? Infinity);
  if (length > KEPT_BODY) return { repeatable: false, body };
  return { repeatable: true, body: await buffer(body as IncomingMessage) };
}

const idempotent = new Set<string>(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
const mayRepeat = ({ method, headers }: Request): boolean => idempotent.has(method) || headers['idempotency-key'] !== undefined;

const unreachable = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);
const lost = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);
const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';

/** Whether there was no connection to send the request on. Whatever else went wrong, the service may have done what it was asked. */
export const neverSent = (error: unknown): boolean => unreachable.has(codeOf(error));
const brokenOff = (error: unknown): boolean => lost.has(codeOf(error));
