import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError } from '@ballast/cluster';

/** What a service answered that is no success. Its message is for the person at the terminal. */
export class RefusedError extends ClusterError {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string | undefined,
    readonly problem: Readonly<Record<string, unknown>>,
  ) {
    super(message);
  }
}

/** Gives an access token; another one when the last was refused. */
export type TokenSource = (renew: boolean) => Promise<string>;

/** Away for a moment, and nothing was done. */
const AGAIN = ['UNAVAILABLE', 'OVERLOADED', 'TOO_MANY_REQUESTS', 'TOKEN_KEYS_UNAVAILABLE'];
const PATIENCE = 20_000;
/** Longer than a service gives a handler. */
const TIMEOUT = 35_000;
/** A service refuses to give more at once. */
const LARGEST_PAGE = 100;

/** The operator API of one service. */
export class OpsClient {
  constructor(
    readonly service: string,
    private readonly url: string,
    private readonly token: TokenSource,
  ) {}

  get<T>(path: string, query: Record<string, string | undefined> = {}): Promise<T> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const search = given.length > 0 ? `?${new URLSearchParams(given).toString()}` : '';
    return this.request<T>('GET', path + search);
  }

  post<T>(path: string, body: object = {}): Promise<T> {
    return this.request<T>('POST', path, body);
  }

  put<T>(path: string, body: object): Promise<T> {
    return this.request<T>('PUT', path, body);
  }

  /** All pages of a list, or as many of them as it takes to have `most` items. */
  async all<T>(path: string, query: Record<string, string | undefined> = {}, most = Infinity): Promise<T[]> {
    const items: T[] = [];
    for (let cursor: string | undefined; ;) {
      const limit = String(Math.min(most - items.length, LARGEST_PAGE));
      const page: { items: T[]; nextCursor: string | null } = await this.get(path, { ...query, limit, cursor });
      items.push(...page.items);
      if (page.nextCursor === null || items.length >= most) return items;
      cursor = page.nextCursor;
    }
  }

  private async request<T>(method: string, path: string, body?: object): Promise<T> {
    const end = Date.now() + PATIENCE;
    let renewed = false;
    for (;;) {
      const { status, content, retryAfter } = await this.send(method, path, body, renewed);
      if (status < 300) return content as T;
      const { code } = content as { code?: string };
      if (status === 401 && !renewed) renewed = true;
      else if (!AGAIN.includes(code ?? '') || Date.now() > end)
        throw this.refusal(`${method} ${path}`, status, content as { code?: string });
      else await sleep(retryAfter * 1_000);
    }
  }

  private async send(method: string, path: string, body: object | undefined, renew: boolean) {
    const token = await this.token(renew);
    const response = await fetch(`${this.url}/ops/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT),
    }).catch((cause: unknown) => {
      throw new ClusterError(`${this.service} does not answer at ${this.url}: npm run status tells what runs`, { cause });
    });
    const text = await response.text();
    return { status: response.status, content: parse(text), retryAfter: Number(response.headers.get('retry-after') ?? 1) || 1 };
  }

  private refusal(what: string, status: number, problem: { code?: string; detail?: string; traceId?: string }): RefusedError {
    const { code, detail, traceId } = problem;
    const said = detail ?? `${what} answered ${status}`;
    const text =
      status === 403
        ? `${this.service} refuses: this account does not have the role operator`
        : code === 'OUTCOME_UNKNOWN'
          ? `${this.service}: whether it happened is not known. Look before you repeat it (npm run ops -- audit); trace ${traceId}`
          : code === 'ROUTE_NOT_FOUND'
            ? `${this.service} has no operator API for this: it speaks no messages, or is of an older version`
            : `${this.service}: ${said}${code ? ` (${code})` : ''}${status >= 500 && traceId ? `, trace ${traceId}` : ''}`;
    return new RefusedError(text, status, code, problem);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
