import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CannotReconcileError } from './errors.js';

export type ServiceName = 'order' | 'payment' | 'inventory' | 'cart';

/** Where the services' own ports are, and who asks. */
export interface Access {
  readonly auth: string;
  readonly services: Readonly<Record<ServiceName, string>>;
  readonly credentials: { readonly email: string; readonly password: string };
}

interface Answer {
  status: number;
  body: unknown;
  /** Seconds. */
  retryAfter: number;
}

interface Problem {
  code?: string;
  detail?: string;
}

/** ms. A page of 500 orders takes a fraction of a second; a service that is starting a few. */
const DEADLINE = 30_000;
const TRIES = 4;
const PAUSE = 500;

/** An operator: signs in, and again when the token has run out. Reads are tried again for a moment, writes are not. */
export class Operator {
  private token = '';

  private constructor(private readonly access: Access) {}

  static async signIn(access: Access): Promise<Operator> {
    const operator = new Operator(access);
    await operator.signInAgain();
    return operator;
  }

  async get<T>(service: ServiceName, path: string, query: Record<string, string | undefined> = {}): Promise<T> {
    const url = new URL(`/ops/v1/${path}`, this.access.services[service]);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    return this.read(service, url, TRIES);
  }

  /** All of a list that comes in pages. */
  async list<T>(service: ServiceName, path: string, query: Record<string, string> = {}): Promise<T[]> {
    const items: T[] = [];
    for (let cursor: string | undefined; ;) {
      const page: { items: T[]; nextCursor: string | null } = await this.get(service, path, { ...query, limit: '100', cursor });
      items.push(...page.items);
      if (page.nextCursor === null) return items;
      cursor = page.nextCursor;
    }
  }

  /** What each replica says of itself, at any path. One that does not answer is left out: the others take over what it had. */
  async each<T>(service: ServiceName, path: string): Promise<T[]> {
    const url = new URL(path, this.access.services[service]);
    const answers = await Promise.allSettled((await replicasOf(service, url)).map((replica) => this.read<T>(service, replica, 1)));
    const answered = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    if (answered.length === 0) throw (answers[0] as PromiseRejectedResult).reason;
    return answered;
  }

  /** The answer, whatever it is: what a service says to a repair is for the report. */
  async post(service: ServiceName, path: string, body: object = {}): Promise<Pick<Answer, 'status' | 'body'>> {
    const url = new URL(`/ops/v1/${path}`, this.access.services[service]);
    return this.send('POST', url, body).catch((error: unknown) => {
      throw away(service, url, error);
    });
  }

  private async read<T>(service: ServiceName, url: URL, most: number): Promise<T> {
    for (let tries = 1; ; tries++) {
      let pause = PAUSE * tries;
      try {
        const { status, body, retryAfter } = await this.send('GET', url);
        if (status === 200) return body as T;
        // A run over a million orders asks more often than a service lets one account: it goes on as fast as it may.
        if (status === 429) [tries, pause] = [0, retryAfter * 1000];
        else if (status < 500 || tries === most) throw refusal(service, url, status, body as Problem);
      } catch (error) {
        if (error instanceof CannotReconcileError || tries === most) throw away(service, url, error);
      }
      await sleep(pause);
    }
  }

  private async send(method: string, url: URL, body?: object): Promise<Answer> {
    const first = await this.once(method, url, body);
    if (first.status !== 401) return first;
    await this.signInAgain();
    return this.once(method, url, body);
  }

  private async once(method: string, url: URL, body?: object): Promise<Answer> {
    const response = await fetch(url, {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(DEADLINE),
    });
    const text = await response.text();
    const retryAfter = Number(response.headers.get('retry-after')) || 1;
    return { status: response.status, retryAfter, body: /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : {} };
  }

  private async signInAgain(): Promise<void> {
    const url = new URL('/auth/sessions', this.access.auth);
    this.token = '';
    const { status, body } = await this.once('POST', url, this.access.credentials).catch((error: unknown) => {
      throw away('auth', url, error);
    });
    if (status !== 201) throw new CannotReconcileError(`${this.access.credentials.email} cannot sign in at ${url.origin}: ${codeOf(body)}`);
    this.token = (body as { accessToken: string }).accessToken;
  }
}

/** A name may stand for several replicas, each with an address of its own. A certificate is for the name: then one of them has to do. */
async function replicasOf(service: ServiceName, url: URL): Promise<URL[]> {
  if (url.protocol !== 'http:') return [url];
  const addresses = await lookup(url.hostname.replace(/^\[|\]$/g, ''), { all: true }).catch((error: unknown) => {
    throw away(service, url, error);
  });
  return addresses.map(({ address, family }) => Object.assign(new URL(url), { hostname: family === 6 ? `[${address}]` : address }));
}

const codeOf = (body: unknown) => (body as Problem).code ?? 'no reason given';

function refusal(service: string, url: URL, status: number, body: Problem): CannotReconcileError {
  if (status === 403) return new CannotReconcileError(`${service} refuses this account: it needs the role "operator"`);
  if (status === 404) return new CannotReconcileError(`${service} has no ${url.pathname}: is it of an older version?`);
  return new CannotReconcileError(
    `${service} answered GET ${url.pathname} with ${status} ${codeOf(body)}${body.detail ? `: ${body.detail}` : ''}`,
  );
}

function away(service: string, url: URL, error: unknown): CannotReconcileError {
  if (error instanceof CannotReconcileError) return error;
  const { name, message, cause } = error as Error & { cause?: Error };
  const why = name === 'TimeoutError' ? `no answer within ${DEADLINE / 1000} s` : (cause?.message ?? message);
  return new CannotReconcileError(`${service} cannot be reached at ${url.origin}: ${why}`, { cause: error });
}
