import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, type Exit, startChild, workspaceRoot } from '@ballast/testing';
import { ClusterError } from './errors.js';
import { lastWords } from './last-words.js';

export interface SupervisedOptions {
  name: string;
  url: string;
  /** What Node is to run, from the workspace's root. */
  args: readonly string[];
  env: Record<string, string>;
  logFile: string;
  /** The services within it, when it runs several: it is ready when all are. */
  lodgers?: readonly { url: string; logFile: string }[];
  /** Called whenever its process changes. */
  onChange?: (service: SupervisedService) => void;
  /** Called when it ended without being asked and was started again. */
  onRestart?: (service: SupervisedService, exit: Exit) => void;
}

export interface ReadyOptions {
  timeout?: number;
  after?: Promise<unknown>;
  firstTime?: boolean;
  degradedAfter?: number;
  signal?: AbortSignal;
}

const firstDelay = 250;
const longestDelay = 10_000;
/** A process that ran so long has proved itself: the next restart is quick again. */
const provenAfter = 30_000;
/** Longer than the 25 s after which a service ends its own shutdown. */
const stopGrace = 28_000;

/** One service as a process of its own that is started again, with growing delays, whenever it ends without being asked. */
export class SupervisedService {
  #child: Child | undefined;
  #wanted = false;
  #trial = false;
  #restarts = 0;
  #delay = firstDelay;
  #interrupt = new AbortController();

  #env: Record<string, string>;

  constructor(private readonly options: SupervisedOptions) {
    this.#env = options.env;
  }

  get name(): string {
    return this.options.name;
  }
  get logFile(): string {
    return this.options.logFile;
  }
  get url(): string {
    return this.options.url;
  }
  /** The running process; undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.alive ? this.#child.pid : undefined;
  }
  /** How often it was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Another instance of it, of another version: `main` is that one's compiled entry. In the same world, under a name and on a port of its own. */
  beside(o: { instance: string; port: number; main: string; logFile: string }): SupervisedService {
    const { args, env } = this.options;
    return new SupervisedService({
      name: o.instance,
      url: `http://127.0.0.1:${o.port}`,
      args: [...args.slice(0, -1), o.main],
      env: { ...env, ...this.#env, INSTANCE_ID: o.instance, PORT: String(o.port) },
      logFile: o.logFile,
    });
  }

  /** Starts it and supervises it from now on, with more environment if need be. Does not wait until it is ready. */
  async start(env: Record<string, string> = {}): Promise<void> {
    if (this.#wanted) return;
    this.#env = { ...this.#env, ...env };
    this.#wanted = true;
    this.#interrupt = new AbortController();
    await this.#spawn();
  }

  /** More environment for its next processes; `undefined` takes a variable away. The one that runs keeps what it has. */
  environment(env: Record<string, string | undefined>): void {
    const next = Object.entries({ ...this.#env, ...env }).filter((entry): entry is [string, string] => entry[1] !== undefined);
    this.#env = Object.fromEntries(next);
    this.#delay = firstDelay;
  }

  /** Stops it gracefully, and for good; by force after `grace` milliseconds. */
  async stop(grace = stopGrace): Promise<void> {
    this.#wanted = false;
    this.#interrupt.abort();
    if (this.#child?.alive) await this.#child.stop({ grace });
  }

  /** Stops it gracefully and starts it anew; resolves when it is ready. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
    await this.ready();
  }

  /**
   * Stops it and starts what is on disk now, which may be broken: a process that ends before it was ready is not started again.
   * Resolves when it takes requests; what it still does without is in `away`.
   *
   * @param options `grace`: milliseconds until one that does not stop (it may stand at a breakpoint) is killed; `signal` ends the
   *   wait, not the process
   * @throws {ClusterError} with the end of its log
   */
  async replace(options: { grace: number; signal: AbortSignal }): Promise<{ away: readonly string[] }> {
    await this.stop(options.grace);
    options.signal.throwIfAborted();
    this.#trial = true;
    try {
      await this.start();
      return await this.ready({ firstTime: true, degradedAfter: 0, signal: options.signal });
    } finally {
      this.#trial = false;
    }
  }

  /** Sends a signal to its process, SIGKILL by default: a crash, after which it is started again. Resolves when a fatal one has ended it. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child?.alive) throw new ClusterError(`${this.name} does not run`);
    child.process.kill(signal);
    if (signal === 'SIGKILL') await child.exited;
  }

  /**
   * Waits until it says that it is ready and that nothing it works with is away.
   *
   * @param options `timeout`: milliseconds, counted from when `after` has resolved; `firstTime`: a process that ends is a
   *   broken service, not a crash to recover from; `degradedAfter`: milliseconds after which it may lack something and still counts
   * @throws {ClusterError} with the end of its log
   */
  async ready(options: ReadyOptions = {}): Promise<{ away: readonly string[] }> {
    const { timeout = 90_000, after = Promise.resolve(), firstTime = false, degradedAfter = Infinity, signal } = options;
    const first = this.#child;
    const start = Date.now();
    let end = Infinity;
    const setEnd = () => (end = Date.now() + timeout);
    after.then(setEnd, setEnd);
    let last = 'it does not answer';
    while (Date.now() < end) {
      signal?.throwIfAborted();
      if (firstTime && first && !first.alive && !this.#interrupt.signal.aborted) throw this.#failure('ended while it started');
      if (!this.#wanted) throw new ClusterError(`${this.name} was stopped`);
      const health = await this.#health();
      if (health?.status === 'ok' || (health?.status === 'degraded' && Date.now() - start >= degradedAfter))
        return { away: health.away ?? [] };
      if (health) last = `it is ${health.status}${health.away?.length ? `, without ${health.away.join(', ')}` : ''}`;
      await sleep(200);
    }
    throw this.#failure(`is not ready after ${timeout / 1000} s: ${last}`);
  }

  async #spawn(): Promise<void> {
    const { name, args, logFile } = this.options;
    const started = Date.now();
    const child = await startChild(name, process.execPath, args, {
      cwd: workspaceRoot(),
      env: this.#env,
      logFile,
      ipc: true,
      grace: stopGrace,
    });
    this.#child = child;
    this.options.onChange?.(this);
    void child.exited.then((exit) => this.#ended(exit, Date.now() - started));
  }

  async #ended(exit: Exit, ran: number): Promise<void> {
    this.options.onChange?.(this);
    if (!this.#wanted) return;
    if (this.#trial) {
      this.#wanted = false;
      return;
    }
    if (ran > provenAfter) this.#delay = firstDelay;
    const delay = this.#delay;
    this.#delay = Math.min(delay * 2, longestDelay);
    try {
      await sleep(delay, undefined, { signal: this.#interrupt.signal });
    } catch {
      return; // stopped meanwhile
    }
    this.#restarts += 1;
    await this.#spawn();
    this.options.onRestart?.(this, exit);
  }

  /** Of several within it, that of the first which is not well. */
  async #health(): Promise<Health | undefined> {
    for (const { url } of this.options.lodgers ?? [this]) {
      const health = await healthAt(url);
      if (health?.status !== 'ok') return health;
    }
    return { status: 'ok' };
  }

  #failure(what: string): ClusterError {
    const { name, logFile, lodgers = [] } = this.options;
    const logs = [logFile, ...lodgers.map((lodger) => lodger.logFile)];
    const [log, reason] = logs.map((file) => [file, lastWords(file)] as const).find(([, words]) => words) ?? [logFile, ''];
    return new ClusterError(`${name} ${what}${reason && `: ${reason}`} (${log})`);
  }
}

interface Health {
  status: string;
  away?: string[];
}

async function healthAt(url: string): Promise<Health | undefined> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
    return (await response.json()) as Health;
  } catch {
    return undefined;
  }
}
