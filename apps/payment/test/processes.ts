import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Child, eventually, freePort, startChild, testDatabase, workspaceRoot } from '@ballast/testing';

export type TestStore = Awaited<ReturnType<typeof testDatabase>>;

const fromRoot = (...path: string[]) => join(workspaceRoot(), ...path);
const hook = pathToFileURL(fromRoot('libs/testing/src/jest/typescript-hook.mjs')).href;
const loader = `data:text/javascript,import { register } from 'node:module'; register(${JSON.stringify(hook)});`;

/** Runs a TypeScript file of this workspace as it is, as a process that can be killed. */
export function runFile(name: string, file: string, env: Record<string, string>): Promise<Child> {
  const logFile = process.env['BALLAST_TEST_LOG'];
  return startChild(name, process.execPath, ['--import', loader, fromRoot(file)], {
    cwd: workspaceRoot(),
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'warn', ...env },
    ...(logFile && { logFile }),
  });
}

export const databaseEnv = ({ config }: TestStore): Record<string, string> => ({
  DATABASE_HOSTS: config.hosts.map(({ host, port }) => `${host}:${port}`).join(','),
  DATABASE_NAME: config.name,
  DATABASE_USER: config.user,
  DATABASE_PASSWORD: config.password,
  DATABASE_OWNER: config.owner.user,
  DATABASE_OWNER_PASSWORD: config.owner.password,
});

export interface Entry {
  key: string;
  kind: 'authorisation' | 'capture' | 'refund' | 'cancellation';
  amount: { amount: number; currency: string };
}

/** The processor's sandbox as a process of its own, with a database that outlives it. */
export class PspProcess {
  readonly apiKey = randomUUID();
  private child: Child | undefined;

  private constructor(
    private readonly store: TestStore,
    readonly port: number,
  ) {}

  static async start(): Promise<PspProcess> {
    const psp = new PspProcess(await testDatabase('psp'), await freePort());
    await psp.start();
    return psp;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.child = await runFile('psp', 'apps/psp/src/main.ts', {
      ...databaseEnv(this.store),
      PORT: String(this.port),
      PSP_API_KEY: this.apiKey,
    });
    await eventually(async () => expect((await fetch(`${this.url}/health/ready`)).status).toBe(200), { timeout: 30_000 });
  }

  async kill(): Promise<void> {
    await this.child?.stop({ signal: 'SIGKILL' });
  }

  async stop(): Promise<void> {
    await this.child?.stop();
    await this.store.drop();
  }

  /** What it says of a key; undefined when it does not know it. */
  async ask(key: string): Promise<{ state: string; code?: string } | undefined> {
    const response = await this.request(`/v1/operations/${encodeURIComponent(key)}`);
    return response.status === 404 ? undefined : ((await response.json()) as { state: string });
  }

  /** What took effect for a sale. */
  async books(reference: string): Promise<Entry[]> {
    return ((await (await this.request(`/v1/settlement?reference=${reference}`)).json()) as { items: Entry[] }).items;
  }

  async kinds(reference: string): Promise<string[]> {
    return (await this.books(reference)).map((entry) => entry.kind);
  }

  /** A call by someone else who holds the merchant's key: the processor's own back office, for example. */
  async post(path: string, key: string, body: object): Promise<{ state: string; code?: string }> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    return (await (await this.request(path, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as { state: string };
  }

  private request(path: string, init: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Response> {
    return fetch(this.url + path, { ...init, headers: { ...init.headers, 'x-api-key': this.apiKey } });
  }
}
