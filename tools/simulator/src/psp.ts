import { PspController, PspService, type OperationStore } from '@ballast/psp/domain';
import type { Database } from '@ballast/database';
import { ProblemError } from '@ballast/service';
import type { Connection } from './connection.js';
import type { Instance } from './instance.js';
import type { Process } from './process.js';
import type { Weather } from './weather.js';
import type { World } from './world.js';

/** Milliseconds, one way. */
const WAY = 5;
const REFUSED_AFTER = 20;

type Fetch = typeof fetch;
type Handler = (path: string, key: string, body: never) => Promise<{ status: number; body: unknown } | 'dropped'>;

/** The processor, as its controller serves it. */
export function processor(connection: Connection, store: OperationStore): Handler {
  const controller = new PspController(new PspService(connection as unknown as Database, store));
  return async (path, key, body) => {
    let dropped = false;
    const request = { raw: { socket: { destroy: () => (dropped = true) } } } as unknown as Parameters<PspController['authorise']>[2];
    try {
      const answer = await route(controller, path, key, body, request);
      return dropped ? 'dropped' : { status: 200, body: answer };
    } catch (error) {
      return error instanceof ProblemError ? { status: error.status, body: { code: error.code } } : { status: 503, body: {} };
    }
  };
}

function route(
  psp: PspController,
  path: string,
  key: string,
  body: never,
  request: Parameters<PspController['authorise']>[2],
): Promise<unknown> {
  switch (path) {
    case '/v1/authorisations':
      return psp.authorise(key, body, request);
    case '/v1/captures':
      return psp.capture(key, body, request);
    case '/v1/refunds':
      return psp.refund(key, body, request);
    case '/v1/cancellations':
      return psp.cancel(key, body, request);
    default:
      return psp.operation(decodeURIComponent(path.replace('/v1/operations/', '')));
  }
}

/** HTTP between payment and the processor: calls are lost, come late, come twice, and so do answers. */
export class PspNetwork {
  /** Calls that are on their way. */
  underWay = 0;
  private readonly callers = new Map<string, { process: Process; instance: Instance }>();

  constructor(
    private readonly world: World,
    private readonly weather: Weather,
    private readonly psp: () => { process: Process; handle: Handler } | undefined,
  ) {}

  /** The address under which this process, and no other, calls the processor. */
  addressFor(process: Process, instance: Instance): string {
    const host = `${process.name}-${process.start}.sim`;
    this.callers.set(host, { process, instance });
    return `http://${host}`;
  }

  readonly fetch: Fetch = async (input, init = {}) => {
    const url = input as URL;
    const caller = this.callers.get(url.hostname)!;
    const signal = init.signal ?? undefined;
    const answer = new Promise<Response>((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      void this.carry(caller, url.pathname, init).then((outcome) => {
        if (outcome instanceof Error) reject(outcome);
        else if (outcome) resolve(outcome);
      });
    });
    answer.catch(() => undefined);
    return answer;
  };

  /** The answer; an error that the caller sees; nothing when neither ever comes. */
  private async carry(
    { process, instance }: { process: Process; instance: Instance },
    path: string,
    init: RequestInit,
  ): Promise<Response | Error | undefined> {
    const { world, weather } = this;
    const key = (init.headers as Record<string, string>)['idempotency-key'] ?? '';
    const body = init.body ? (JSON.parse(init.body as string) as never) : (undefined as never);
    const call = async () => {
      const server = this.psp();
      if (!server || weather.lasts('psp-down')) return undefined;
      world.note(process.name, `calls ${init.method} ${path}${key && ` as ${key}`}`);
      return server.handle(path, key, body);
    };
    if (init.method === 'POST' && weather.strikes('psp-calls-lost')) {
      world.note('network', `loses POST ${path} as ${key}`);
      return undefined;
    }
    if (init.method === 'POST' && weather.strikes('psp-calls-late')) {
      world.note('network', `delays POST ${path} as ${key}`);
      await this.counted(() => world.pass(world.random.int(5_500, 20_000)));
    }
    if (init.method === 'POST' && weather.strikes('psp-calls-doubled'))
      void this.counted(async () => {
        await world.pass(world.random.int(1, 15_000));
        await call();
      });
    await world.pass(this.way());
    if (weather.lasts('cut-psp', instance.name)) return refused(process);
    const answer = await this.counted(call);
    if (answer === undefined) return refused(process);
    if (answer !== 'dropped' && init.method === 'POST' && weather.strikes('psp-calls-lost')) {
      world.note('network', `loses the answer to POST ${path} as ${key}`);
      return undefined;
    }
    await process.arrive(this.way());
    if (answer === 'dropped') return new TypeError('terminated', { cause: new Error('other side closed') });
    const text = JSON.stringify(answer.body);
    return { ok: answer.status < 300, status: answer.status, text: () => Promise.resolve(text) } as Response;
  }

  private async counted<T>(work: () => Promise<T>): Promise<T> {
    this.underWay++;
    try {
      return await work();
    } finally {
      this.underWay--;
    }
  }

  private way(): number {
    return this.world.random.latency(WAY) * (this.weather.lasts('slow-network') ? 20 : 1);
  }
}

async function refused(process: Process): Promise<Error> {
  await process.arrive(REFUSED_AFTER);
  return new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') });
}
