import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError } from './errors.js';

export interface Credentials {
  email: string;
  password: string;
}

interface Answer<T> {
  status: number;
  body: T;
  headers: Headers;
}

/** Speaks to the shop through its gateway, as any user would. */
export class ShopClient {
  private constructor(
    private readonly gateway: string,
    private readonly token: string,
  ) {}

  static async signIn(gateway: string, credentials: Credentials): Promise<ShopClient> {
    const session = await new ShopClient(gateway, '').request<{ accessToken: string }>('POST', '/auth/sessions', { body: credentials });
    return new ShopClient(gateway, session.body.accessToken);
  }

  /**
   * Sends a request. What is away for a moment (503, 429) is asked again for up to 30 s, as is a status in `awaited`.
   *
   * @throws {ClusterError} for any other answer that is no success, with the problem's code
   */
  async request<T>(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string>; awaited?: (status: number, code: string | undefined) => boolean } = {},
  ): Promise<Answer<T>> {
    const end = Date.now() + 30_000;
    for (;;) {
      const { status, body, headers } = await this.#send(method, path, options);
      if (status < 300) return { status, body: body as T, headers };
      const code = (body as { code?: string }).code;
      const again = status === 503 || status === 429 || options.awaited?.(status, code);
      if (!again || Date.now() > end) throw new ClusterError(`${method} ${path} answered ${status}${code ? ` ${code}` : ''}`);
      await sleep(100);
    }
  }

  async #send(method: string, path: string, options: { body?: unknown; headers?: Record<string, string> }): Promise<Answer<unknown>> {
    const response = await fetch(this.gateway + path, {
      method,
      headers: {
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...options.headers,
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      signal: AbortSignal.timeout(30_000),
    }).catch((cause: unknown) => {
      throw new ClusterError(`${method} ${path}: nothing answers at ${this.gateway}`, { cause });
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text ? parse(text) : {} };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
